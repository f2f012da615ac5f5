"""Operators that rearrange static axes: Reshape, Slice, TransposeAxes, Squeeze."""

from __future__ import annotations

from bridge.graph.inference.shape import permutation, replaced_axes, squeezed_axes, transposed_rank
from bridge.graph.network import Node
from bridge.graph.slicing import slices
from bridge.lower.lowering import Lowering
from bridge.lower.registry import lowers
from bridge.lower.reshaping import reshape_range
from bridge.lower.value import Lowered


@lowers("Reshape", onnx="Reshape (Unsqueeze, Squeeze where only 1s change)", structural=True)
def lower_reshape(ctx: Lowering, node: Node) -> Lowered:
    """Replace a range of static axes; the row-major order of elements stays."""
    operand = ctx.value(node.inputs[0])
    result = ctx.type_of(node.outputs[0])
    first, last = replaced_axes(node, operand.type.rank)
    wanted = result.shape[first : result.rank - (operand.type.rank - last)]
    if wanted == operand.type.shape[first:last]:
        return ctx.result(node, operand.value, clean=operand.clean)
    return ctx.result(node, reshape_range(ctx, operand, first, last, wanted), clean=operand.clean)


@lowers("Slice", onnx="Slice", structural=True)
def lower_slice(ctx: Lowering, node: Node) -> Lowered:
    """Cut static axes, forwards or backwards."""
    b, operand = ctx.builder, ctx.value(node.inputs[0])
    cuts = slices(node, operand.type.shape)
    dynamic = operand.type.dynamic_rank
    value = b.op(
        "Slice",
        operand.value,
        b.integers(*(cut.start for cut in cuts)),
        b.integers(*(cut.stop for cut in cuts)),
        b.integers(*(cut.axis + dynamic for cut in cuts)),
        b.integers(*(cut.step for cut in cuts)),
    )
    return ctx.result(node, value, clean=operand.clean)


@lowers("TransposeAxes", onnx="Transpose", structural=True)
def lower_transpose(ctx: Lowering, node: Node) -> Lowered:
    """Permute static axes."""
    b, operand = ctx.builder, ctx.value(node.inputs[0])
    dynamic, rank = operand.type.dynamic_rank, transposed_rank(node, operand.type.rank)
    order = [*range(dynamic), *(axis + dynamic for axis in permutation(node, rank))]
    value = operand.value
    if rank > operand.type.rank:
        value = b.op("Unsqueeze", value, b.integers(*range(dynamic, dynamic + rank - operand.type.rank)))
    if order != sorted(order):
        value = b.op("Transpose", value, perm=order)
    return ctx.result(node, value, clean=operand.clean)


@lowers("Squeeze", onnx="Squeeze", structural=True)
def lower_squeeze(ctx: Lowering, node: Node) -> Lowered:
    """Remove static axes of size 1."""
    b, operand = ctx.builder, ctx.value(node.inputs[0])
    gone = [axis + operand.type.dynamic_rank for axis in squeezed_axes(node, operand.type.shape)]
    value = b.op("Squeeze", operand.value, b.integers(*gone)) if gone else operand.value
    return ctx.result(node, value, clean=operand.clean)
