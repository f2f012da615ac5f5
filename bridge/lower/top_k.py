"""The greatest elements along the last axis."""

from __future__ import annotations

import onnx_ir as ir

from bridge.graph import attributes
from bridge.graph.network import Node
from bridge.lower.lowering import ONNX_TYPES, Lowering
from bridge.lower.registry import lowers


@lowers("TopK", onnx="TopK", exactness="values exact; the places of equal values may come in another order")
def lower_top_k(ctx: Lowering, node: Node) -> tuple[ir.Value, ...]:
    """Values, descending, and their places along the last axis as numbers of the operand's type."""
    b, operand = ctx.builder, ctx.value(node.inputs[0])
    count = b.integers(attributes.integer(node, "numItems"))
    values, places = b.ops("TopK", 2, operand.value, count, axis=-1, largest=1, sorted=1)
    return values, b.op("Cast", places, to=int(ONNX_TYPES[operand.type.data_type]))
