"""Times and TransposeTimes: products over one or several axes. The stored left operand is the weight, the right one the data."""

from __future__ import annotations

import math

import onnx_ir as ir

from bridge.graph import attributes
from bridge.graph.inference.product import REDUCE_SEQUENCE_AXIS, contracted_axes
from bridge.graph.network import Node
from bridge.lower.lowering import Lowering
from bridge.lower.one_hot import rows_of_one_hot
from bridge.lower.product_folding import normalised_product
from bridge.lower.registry import Refuse, lowers
from bridge.lower.reshaping import reshape_static
from bridge.lower.value import Lowered


@lowers("Times", onnx="MatMul between Reshapes; Gather for index inputs and for OneHot")
def lower_times(ctx: Lowering, node: Node) -> ir.Value:
    """Contract the data's last axes with the weight's first ones."""
    weight, data = ctx.operands(node)
    if node.inputs[1] in ctx.indexed:
        return ctx.builder.op("Gather", weight.value, ctx.indexed[node.inputs[1]], axis=0)
    if attributes.integer(node, "inferInputRankToMap", -1) == REDUCE_SEQUENCE_AXIS:
        return _over_sequence(ctx, weight, data)
    contracted = contracted_axes(node, weight.type.rank)
    constant = ctx.constant_of(node.inputs[0])
    if contracted == 1 and constant is not None and ctx.type_of(node.inputs[1]).rank == 1:
        folded = normalised_product(ctx, node.inputs[1], constant)
        if folded is not None:
            return folded
    rows = rows_of_one_hot(ctx, node.inputs[1], weight) if contracted == 1 else None
    return _product(ctx, data, weight, contracted) if rows is None else rows


@lowers("TransposeTimes", onnx="MatMul with the transposed weight")
def lower_transpose_times(ctx: Lowering, node: Node) -> ir.Value:
    """The data times the transpose of a matrix; a vector counts as a matrix of one row."""
    b, (weight, data) = ctx.builder, ctx.operands(node)
    dynamic, rank = weight.type.dynamic_rank, weight.type.rank
    if rank < 2:
        added = [dynamic + rank] if rank else [dynamic, dynamic + 1]
        turned = b.op("Unsqueeze", weight.value, b.integers(*added))
        shape = (weight.type.shape or (1,))[0]
    else:
        swapped = [*range(dynamic), dynamic + 1, dynamic]
        turned = b.op("Transpose", weight.value, perm=swapped)
        shape = weight.type.shape[1]
    rows = weight.type.shape[0] if rank > 1 else 1
    transposed = Lowered(turned, weight.type.with_shape((shape, rows)), weight.extent)
    if node.inputs[1] in ctx.indexed:
        return b.op("Gather", turned, ctx.indexed[node.inputs[1]], axis=0)
    return _product(ctx, data, transposed, 1)


def _product(ctx: Lowering, data: Lowered, weight: Lowered, contracted: int) -> ir.Value:
    """``data [dyn..., a..., k...] x weight [dyn..., k..., o...]`` -> ``[dyn..., a..., o...]`` with ``contracted`` axes k."""
    kept = data.type.shape[: data.type.rank - contracted]
    summed, columns = weight.type.shape[:contracted], weight.type.shape[contracted:]
    if len(kept) <= 1 and contracted == 1 and len(columns) == 1:
        return _matrix_product(ctx, data, weight, kept)
    if any(dim < 0 for dim in (*kept, *summed, *columns)) and (len(kept) > 1 or contracted != 1 or len(columns) > 1):
        return _einsum(ctx, data, weight, contracted)
    flat_data = reshape_static(ctx, data, (math.prod(kept), math.prod(summed)))
    flat_weight = reshape_static(ctx, weight, (math.prod(summed), math.prod(columns)))
    left = Lowered(flat_data, data.type.with_shape((math.prod(kept), math.prod(summed))), data.extent)
    right = Lowered(flat_weight, weight.type.with_shape((math.prod(summed), math.prod(columns))), weight.extent)
    product = ctx.builder.op("MatMul", *_same_leading(ctx, left, right))
    widest = max(data.type.axes, weight.type.axes, key=len)
    return reshape_static(ctx, Lowered(product, left.type.with_axes(widest)), kept + columns)


def _matrix_product(ctx: Lowering, data: Lowered, weight: Lowered, kept: tuple[int, ...]) -> ir.Value:
    """The common case: one contracted axis, one column axis, at most one kept axis: no Reshape at all."""
    b = ctx.builder
    if kept:
        return b.op("MatMul", *_same_leading(ctx, data, weight))
    if weight.type.dynamic_rank == 0:
        return b.op("MatMul", data.value, weight.value)
    # A vector per sample times a matrix per sample: a product of one row.
    row = b.op("Unsqueeze", data.value, b.integers(data.type.dynamic_rank))
    rows = Lowered(row, data.type.with_shape((1, *data.type.shape)), data.extent)
    product = b.op("MatMul", *_same_leading(ctx, rows, weight))
    return b.op("Squeeze", product, b.integers(max(data.type.dynamic_rank, weight.type.dynamic_rank)))


def _same_leading(ctx: Lowering, left: Lowered, right: Lowered) -> tuple[ir.Value, ir.Value]:
    """Two matrices with leading dynamic dimensions that MatMul may broadcast."""
    widest = max(left.type.dynamic_rank, right.type.dynamic_rank)
    return ctx.raised(left, left.type.rank, widest), ctx.raised(right, right.type.rank, widest)


def _einsum(ctx: Lowering, data: Lowered, weight: Lowered, contracted: int) -> ir.Value:
    """A product whose sizes bind at run time: Einsum needs none of them, and a constant Reshape cannot merge free dimensions."""
    letters = iter("abcdefghijklmopqrsuvwxyz")
    kept = [next(letters) for _ in range(data.type.rank - contracted)]
    summed = [next(letters) for _ in range(contracted)]
    columns = [next(letters) for _ in range(weight.type.rank - contracted)]
    dynamic = ["N", "T"]
    left = dynamic[: data.type.dynamic_rank] + kept + summed
    right = dynamic[: weight.type.dynamic_rank] + summed + columns
    out = dynamic[: max(data.type.dynamic_rank, weight.type.dynamic_rank)] + kept + columns
    return ctx.builder.op("Einsum", data.value, weight.value, equation=f"{''.join(left)},{''.join(right)}->{''.join(out)}")


def _over_sequence(ctx: Lowering, weight: Lowered, data: Lowered) -> ir.Value:
    """``sum over t of data[t] (1) * weight[t] (d)`` -> ``[N, 1, d]``; the sequence axis is what is contracted.

    The data may have more axes of 1, which the result keeps: the v1 format makes them.
    """
    sizes = data.type.shape
    if data.extent is None or weight.extent is None or not sizes or set(sizes) != {1} or weight.type.rank != 1:
        raise Refuse(f"a product over the sequence axis of {data.type} and {weight.type}; CNTK has it for (1) and (d) alone")
    b = ctx.builder
    single = Lowered(reshape_static(ctx, data, (1,)), data.type.with_shape((1,)), data.extent) if len(sizes) > 1 else data
    columns = b.op("Transpose", ctx.masked(single), perm=[0, 2, 1])
    product = b.op("MatMul", columns, ctx.masked(weight))
    result = weight.type.with_axes(weight.type.axes[:1]).with_shape((1, *weight.type.shape))
    return reshape_static(ctx, Lowered(product, result), (*sizes, *weight.type.shape)) if len(sizes) > 1 else product
