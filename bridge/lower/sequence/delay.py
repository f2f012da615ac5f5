"""PastValue and FutureValue outside recurrences: a sequence shifted along its axis, its ends filled with the initial state."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from bridge.graph import attributes
from bridge.graph.network import Node
from bridge.graph.types import TensorType
from bridge.lower.lowering import Lowering
from bridge.lower.registry import Refuse, lowers
from bridge.lower.value import Lowered


@lowers("PastValue", "FutureValue", onnx="Concat and Slice; in recurrences the state of LSTM, GRU, RNN or Scan")
def lower_delay(ctx: Lowering, node: Node) -> ir.Value:
    """``y[t] = x[t-k]`` or ``x[t+k]``; beyond the sequence's own end the initial state."""
    if ctx.in_step:
        raise Refuse("a delay inside a recurrence that the recurrence does not pass through")
    operand, initial = ctx.operands(node)
    if operand.extent is None:
        raise Refuse("a delay of a value without a sequence axis")
    offset = attributes.integer(node, "offset", 1)
    if offset < 1:
        raise Refuse(f"a delay by {offset} steps; expected at least 1")
    operand = _stretched(ctx, operand, ctx.type_of(node.outputs[0]))
    if node.op == "PastValue":
        return _past(ctx, operand, initial, offset)
    return _future(ctx, operand, initial, offset)


def _stretched(ctx: Lowering, operand: Lowered, result: TensorType) -> Lowered:
    """The operand in the static shape of the result, which an initial state of a larger shape enlarges."""
    if operand.type.shape == result.shape:
        return operand
    b = ctx.builder
    value = operand.value
    if result.rank > operand.type.rank:
        value = b.op("Unsqueeze", value, b.integers(*range(2, 2 + result.rank - operand.type.rank)))
    # A free dimension keeps its size, and only a dimension of 1 is enlarged: 1 means both to Expand.
    value = b.op("Expand", value, b.integers(1, 1, *(max(dim, 1) for dim in result.shape)))
    return Lowered(value, operand.type.with_shape(result.shape), operand.extent)


def _past(ctx: Lowering, operand: Lowered, initial: Lowered, offset: int) -> ir.Value:
    assert operand.extent is not None
    b = ctx.builder
    head = initial_steps(ctx, initial, _sizes(ctx, operand, offset), operand.type.rank, offset)
    longer = b.op("Concat", head, operand.value, axis=1)
    return b.op("Slice", longer, b.integers(0), operand.extent.steps, b.integers(1))


def _future(ctx: Lowering, operand: Lowered, initial: Lowered, offset: int) -> ir.Value:
    """Each sequence ends on its own: behind its end, not behind the padding, comes the initial state."""
    assert operand.extent is not None
    b, extent = ctx.builder, operand.extent
    rank = operand.type.rank
    tail = b.op("Expand", ctx.like(operand, 0.0), _sizes(ctx, operand, offset))
    longer = b.op("Concat", operand.value, tail, axis=1)
    end = b.op("Add", extent.steps, b.integers(offset))
    shifted = b.op("Slice", longer, b.integers(offset), end, b.integers(1))
    position = b.op("Add", _positions(ctx, extent.steps), b.integers(offset))
    inside = b.op("Less", position, b.op("Unsqueeze", extent.lengths, b.integers(1)))
    mask = b.op("Unsqueeze", inside, b.integers(*range(2, 2 + rank))) if rank else inside
    return b.op("Where", mask, shifted, _behind(ctx, operand, initial, position))


def _positions(ctx: Lowering, steps: ir.Value) -> ir.Value:
    """int64 ``[T]``: 0, 1, 2, ..."""
    b = ctx.builder
    return b.op("Range", b.constant(0, np.int64), b.op("Squeeze", steps, b.integers(0)), b.constant(1, np.int64))


def _behind(ctx: Lowering, operand: Lowered, initial: Lowered, position: ir.Value) -> ir.Value:
    """What stands behind the end of each sequence, broadcastable to ``[N, T, ...]``.

    Of an initial state with a sequence axis of its own, its first steps are carried over; a single one stands for all.
    """
    b = ctx.builder
    if initial.extent is None:
        return ctx.raised(initial, operand.type.rank, 2)
    assert operand.extent is not None
    index = b.op("Sub", position, b.op("Unsqueeze", operand.extent.lengths, b.integers(1)))
    last = b.op("Sub", b.op("Unsqueeze", initial.extent.lengths, b.integers(1)), b.integers(1))
    carried = gather_steps(ctx, initial, b.op("Min", index, last))
    return ctx.raised(Lowered(carried, initial.type), operand.type.rank, 2)


def _sizes(ctx: Lowering, operand: Lowered, steps: int) -> ir.Value:
    """int64 vector ``[N, steps, *static]`` as sizes at run time."""
    b = ctx.builder
    parts = [ctx.shape_vector(operand.value, 0, 1), b.integers(steps)]
    if operand.type.rank:
        parts.append(b.integers(*operand.type.shape) if not operand.type.has_free else ctx.shape_vector(operand.value, 2))
    return b.op("Concat", *parts, axis=0)


def initial_steps(ctx: Lowering, initial: Lowered, sizes: ir.Value, rank: int, offset: int) -> ir.Value:
    """``[N, offset, *static]``: what stands before the first step of a PastValue. ``sizes`` is that shape as an int64 vector.

    A constant or a value per sample is repeated; of a sequence, the last ``offset`` steps are carried over, and a single step
    is repeated.
    """
    b = ctx.builder
    if initial.extent is not None:
        lengths = b.op("Unsqueeze", initial.extent.lengths, b.integers(1))
        index = b.op("Add", b.op("Sub", lengths, b.integers(offset)), b.integers(*range(offset)))
        initial = Lowered(gather_steps(ctx, initial, index), initial.type)
    return b.op("Expand", ctx.raised(initial, rank, 2), sizes)


def gather_steps(ctx: Lowering, sequence: Lowered, index: ir.Value) -> ir.Value:
    """Pick steps of each sequence: ``[N, T, ...]`` by int64 ``[N, K]`` -> ``[N, K, ...]``; out-of-range indices are clamped."""
    assert sequence.extent is not None
    b = ctx.builder
    last = b.op("Sub", sequence.extent.steps, b.integers(1))
    clamped = b.op("Max", b.op("Min", index, last), b.integers(0))
    return b.op("GatherND", sequence.value, b.op("Unsqueeze", clamped, b.integers(2)), batch_dims=1)
