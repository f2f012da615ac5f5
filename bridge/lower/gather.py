"""Rows of a tensor by number."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from bridge.graph.network import Node
from bridge.lower.lowering import Lowering
from bridge.lower.registry import Refuse, lowers


@lowers(
    "Gather",
    onnx="Gather along axis 0",
    exactness="exact; a row that does not exist is the nearest that does (CNTK reads stray memory)",
)
def lower_gather(ctx: Lowering, node: Node) -> ir.Value:
    """The rows of the reference that the indices, rounded towards 0, name."""
    b, (indices, reference) = ctx.builder, ctx.operands(node)
    if reference.type.axes:
        raise Refuse(
            f"gathers from {reference.type}, whose rows differ from sample to sample; CNTK gathers from parameters and constants",
            "select by a product with a one-hot vector instead",
        )
    numbers = b.op("Cast", indices.value, to=int(ir.DataType.INT64))
    # Padded steps may hold any number, so one that is out of range is not necessarily an error of the caller's.
    last = b.op("Sub", b.op("Squeeze", ctx.shape_vector(reference.value, 0, 1), b.integers(0)), b.constant(1, np.int64))
    within = b.op("Max", b.op("Min", numbers, last), b.constant(0, np.int64))
    return b.op("Gather", reference.value, within, axis=0)
