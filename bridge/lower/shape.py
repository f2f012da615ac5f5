"""Operators that rearrange static axes: Reshape, Slice, TransposeAxes, Squeeze, Splice."""

from __future__ import annotations

import onnx_ir as ir

from bridge.graph.inference.shape import permutation, replaced_axes, splice_axis, squeezed_axes, transposed_rank
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


@lowers("Splice", onnx="Concat after Unsqueeze and Expand", structural=True)
def lower_splice(ctx: Lowering, node: Node) -> Lowered:
    """Concatenate along one axis; the other axes broadcast, also over dynamic axes that only some operands have."""
    b, operands = ctx.builder, ctx.operands(node)
    result = ctx.type_of(node.outputs[0])
    stated = splice_axis(node, max(operand.type.rank for operand in operands))
    axis = max(stated, 0)
    both = ctx.joined.get((operands[0].value, operands[-1].value)) if len(operands) == 2 else None
    if both is not None and result.rank == 1:
        return ctx.result(node, both, clean=True)
    parts = [_as_part(ctx, operand, operands, result.rank, axis) for operand in operands]
    joined = parts[0] if len(parts) == 1 else b.op("Concat", *parts, axis=result.dynamic_rank + axis)
    sequences = [operand for operand in operands if operand.extent is not None]
    clean = len(sequences) == len(operands) and all(operand.clean for operand in sequences)
    return ctx.result(node, joined, clean=clean)


def _as_part(ctx: Lowering, operand: Lowered, all_operands: list[Lowered], rank: int, axis: int) -> ir.Value:
    """One operand of a Splice with every dimension but the spliced one as large as the result's."""
    dynamic = max(other.type.dynamic_rank for other in all_operands)
    value = ctx.raised(operand, rank, dynamic)
    shape = (1,) * (rank - operand.type.rank) + operand.type.shape
    shapes = [(1,) * (rank - other.type.rank) + other.type.shape for other in all_operands]
    stretched = (
        any(shape[i] == 1 and any(other[i] != 1 for other in shapes) for i in range(rank) if i != axis)
        or operand.type.dynamic_rank < dynamic
    )
    if operand.type.dynamic_rank == 0 and operand.type.rank < rank and not stretched:
        return ctx.builder.op("Unsqueeze", value, ctx.builder.integers(*range(rank - operand.type.rank)))
    return ctx.builder.op("Expand", value, _target(ctx, operand, all_operands, rank, axis)) if stretched else value


def _target(ctx: Lowering, operand: Lowered, all_operands: list[Lowered], rank: int, axis: int) -> ir.Value:
    """The shape (int64 vector) to expand an operand to: 1 (no change) along the spliced axis and where nothing is larger."""
    b = ctx.builder
    widest = max(all_operands, key=lambda other: other.type.dynamic_rank)
    dims: list[ir.Value] = [ctx.dynamic_shape(widest)] if widest.type.dynamic_rank else []
    for i in range(rank):
        sizes = {size for other in all_operands if i != axis for size in _dim(other, i, rank) if size != 1}
        if any(size < 0 for size in sizes) and not any(size > 1 for size in sizes):
            owner = next(other for other in all_operands if any(size < 0 for size in _dim(other, i, rank)))
            position = owner.type.dynamic_rank + i - (rank - owner.type.rank)
            dims.append(ctx.shape_vector(owner.value, position, position + 1))
        else:
            dims.append(b.integers(max(sizes, default=1)))
    return b.op("Concat", *dims, axis=0)


def _dim(operand: Lowered, position: int, rank: int) -> tuple[int, ...]:
    own = position - (rank - operand.type.rank)
    return (operand.type.shape[own],) if own >= 0 else ()
