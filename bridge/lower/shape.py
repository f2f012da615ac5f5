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
    parts = _parts(ctx, operands, tuple(1 if i == axis else dim for i, dim in enumerate(result.shape)))
    joined = parts[0] if len(parts) == 1 else b.op("Concat", *parts, axis=result.dynamic_rank + axis)
    sequences = [operand for operand in operands if operand.extent is not None]
    clean = len(sequences) == len(operands) and all(operand.clean for operand in sequences)
    return ctx.result(node, joined, clean=clean)


def _parts(ctx: Lowering, operands: list[Lowered], frame: tuple[int, ...]) -> list[ir.Value]:
    """The operands of a Splice, each as large as ``frame``, in which the spliced axis is 1: along it they keep their own size."""
    rank, widest = len(frame), max(operands, key=lambda operand: operand.type.dynamic_rank)
    target: ir.Value | None = None
    parts: list[ir.Value] = []
    for operand in operands:
        value = ctx.raised(operand, rank, widest.type.dynamic_rank)
        missing = rank - operand.type.rank
        own = (1,) * missing + operand.type.shape
        stretched = any(dim == 1 and wanted != 1 for dim, wanted in zip(own, frame, strict=True))
        if stretched or operand.type.dynamic_rank < widest.type.dynamic_rank:
            target = _target(ctx, operands, widest, frame) if target is None else target
            value = ctx.builder.op("Expand", value, target)
        elif operand.type.dynamic_rank == 0 and missing:
            value = ctx.builder.op("Unsqueeze", value, ctx.builder.integers(*range(missing)))
        parts.append(value)
    return parts


def _target(ctx: Lowering, operands: list[Lowered], widest: Lowered, frame: tuple[int, ...]) -> ir.Value:
    """``frame`` behind the dynamic dimensions as a shape (int64 vector), free dimensions read from an operand that has them."""
    dims: list[ir.Value] = [ctx.dynamic_shape(widest)] if widest.type.dynamic_rank else []
    for i, wanted in enumerate(frame):
        if wanted >= 0:
            dims.append(ctx.builder.integers(wanted))
            continue
        back = i - len(frame)
        owner = next(other for other in operands if other.type.rank >= -back and other.type.shape[back] < 0)
        position = owner.type.dynamic_rank + owner.type.rank + back
        dims.append(ctx.shape_vector(owner.value, position, position + 1))
    return ctx.builder.op("Concat", *dims, axis=0)
