"""Changing the static shape of a value while its dynamic dimensions, and free static ones, stay what they are at run time."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from bridge.lower.lowering import Lowering
from bridge.lower.value import Lowered


def reshape_static(ctx: Lowering, operand: Lowered, shape: Sequence[int]) -> ir.Value:
    """The operand with the fully known static ``shape``; nothing is emitted when it has that shape already."""
    if tuple(shape) == operand.type.shape:
        return operand.value
    return ctx.builder.op("Reshape", operand.value, ctx.builder.integers(*[0] * operand.type.dynamic_rank, *shape))


def reshape_range(ctx: Lowering, operand: Lowered, first: int, last: int, shape: Sequence[int]) -> ir.Value:
    """Replace the static axes ``[first, last)`` by ``shape``, whose negative entries are known at run time only.

    With one unknown at most, ONNX works it out; with more, the sizes are read from the operand.
    """
    b, dynamic, old = ctx.builder, operand.type.dynamic_rank, operand.type.shape
    kept = [0] * (dynamic + first)  # 0 copies the size at the same position
    tail = old[last:]
    unknown = sum(dim < 0 for dim in (*shape, *tail))
    if unknown <= 1:
        return b.op("Reshape", operand.value, b.integers(*kept, *(max(dim, -1) for dim in (*shape, *tail))))
    parts = [b.integers(*kept)] if kept else []
    parts += _run_time_dims(ctx, operand, first, last, shape)
    if tail:
        parts.append(ctx.shape_vector(operand.value, dynamic + last))
    return b.op("Reshape", operand.value, b.op("Concat", *parts, axis=0))


def _run_time_dims(ctx: Lowering, operand: Lowered, first: int, last: int, shape: Sequence[int]) -> list[ir.Value]:
    """The new dimensions as int64 vectors: free ones take the free sizes of the replaced axes in turn, the last what is left."""
    b, dynamic = ctx.builder, operand.type.dynamic_rank
    free = [axis for axis in range(first, last) if operand.type.shape[axis] < 0]
    unknown = [i for i, dim in enumerate(shape) if dim < 0]
    parts: list[ir.Value] = []
    for i, dim in enumerate(shape):
        if dim >= 0:
            parts.append(b.integers(dim))
        elif i == unknown[-1] and len(unknown) >= len(free):
            parts.append(b.integers(-1))
        else:
            axis = dynamic + free[unknown.index(i)]
            parts.append(ctx.shape_vector(operand.value, axis, axis + 1))
    return parts
