"""Class numbers as vectors, and the identity matrix."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from bridge.graph import attributes
from bridge.graph.inference.shape import one_hot_axis
from bridge.graph.network import Node
from bridge.lower.lowering import ONNX_TYPES, Lowering
from bridge.lower.registry import lowers


@lowers("OneHot", onnx="Floor, Equal with the class numbers, Cast", exactness="exact; negative and too large numbers give zeros")
def lower_one_hot(ctx: Lowering, node: Node) -> ir.Value:
    """1 at the class that a number, rounded down, names. ONNX's OneHot would take -1 for the last class."""
    b, operand = ctx.builder, ctx.value(node.inputs[0])
    axis, rank = one_hot_axis(node, operand.type.rank), operand.type.rank
    # Floor keeps what is negative negative: for other numbers it is the rounding of the Cast.
    numbers = b.op("Cast", b.op("Floor", operand.value), to=int(ir.DataType.INT64))
    classes = np.arange(attributes.integer(node, "numClass")).reshape([-1] + [1] * (rank - axis))
    truth = b.op("Equal", b.op("Unsqueeze", numbers, b.integers(operand.type.dynamic_rank + axis)), b.constant(classes, np.int64))
    return b.op("Cast", truth, to=int(ONNX_TYPES[ctx.type_of(node.outputs[0]).data_type]))


@lowers("EyeLikeOp", onnx="EyeLike")
def lower_eye_like(ctx: Lowering, node: Node) -> ir.Value:
    """The identity matrix over the operand's two axes; a batch axis counts as the rows."""
    return ctx.builder.op("EyeLike", ctx.value(node.inputs[0]).value)
