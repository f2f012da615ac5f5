"""Where, PackedIndex, GatherPacked, ScatterPacked: choosing steps of sequences, and putting them back.

CNTK's Where is not a boolean filter. With ``c`` the running sum of the condition, ``ceil(c * (1 - eps))`` steps have been emitted
after each step in total; a condition of 0s and 1s filters, a condition of 2 repeats.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from bridge.graph import attributes
from bridge.graph.model import DataType
from bridge.graph.network import Node
from bridge.graph.operators import DELAYS
from bridge.graph.types import TensorType
from bridge.lower.builder import Array
from bridge.lower.lowering import ONNX_TYPES, Lowering
from bridge.lower.registry import Refuse, lowers
from bridge.lower.sequence.delay import gather_steps
from bridge.lower.value import Extent, Lowered


@lowers("Where", onnx="CumSum, Ceil, and counting by LessOrEqual", exactness="exact for conditions of at least 0")
def lower_where(ctx: Lowering, node: Node) -> Lowered:
    """Step numbers that the condition selects, on a new sequence axis; one step where the new axes hold no sequence."""
    condition = ctx.value(node.inputs[0])
    if ctx.in_step or condition.extent is None:
        raise Refuse("a choice of steps inside a recurrence, or of a value without a sequence axis")
    result = ctx.type_of(node.outputs[0])
    edge = _edge(ctx, node.inputs[0])
    if edge is not None:
        return _edge_step(ctx, condition, edge, result)
    b = ctx.builder
    emitted = _emitted(ctx, condition)
    lengths = b.op("ReduceMax", emitted, axes=[1], keepdims=0)
    steps = b.op("Unsqueeze", b.op("ReduceMax", lengths, keepdims=0), b.integers(0)) if result.is_sequence else b.integers(1)
    index = _sources(ctx, condition, emitted, steps)
    numbers = b.op("Cast", index, to=int(ONNX_TYPES[result.data_type]))
    if not result.is_sequence:
        return Lowered(b.op("Squeeze", numbers, b.integers(1)), result)
    return Lowered(numbers, result, Extent(lengths, steps))


def _edge(ctx: Lowering, condition: str) -> str | None:
    """Whether a condition selects exactly the first or the last step: 0 everywhere, delayed by one step from an initial 1."""
    delay = ctx.network.producers.get(condition)
    if delay is None or delay.op not in DELAYS or attributes.integer(delay, "offset", 1) != 1:
        return None
    source = ctx.network.producers.get(delay.inputs[0])
    zeros = source.inputs[0] if source is not None and source.op == "ReconcileDynamicAxis" else delay.inputs[0]
    everywhere, initial = (_constant(ctx, uid) for uid in (zeros, delay.inputs[1]))
    if everywhere is None or initial is None or everywhere.any() or not np.all(initial == 1):
        return None
    return "first" if delay.op == "PastValue" else "last"


def _constant(ctx: Lowering, uid: str) -> Array | None:
    leaf = ctx.network.leaves.get(uid)
    return leaf.value.array() if leaf is not None and leaf.value is not None else None


def _edge_step(ctx: Lowering, condition: Lowered, edge: str, result: TensorType) -> Lowered:
    """The number of the first or the last step, without counting through all of them."""
    assert condition.extent is not None
    b, lengths = ctx.builder, condition.extent.lengths
    batch = ctx.shape_vector(lengths, 0, 1)
    index = b.op("Expand", b.integers(0), batch) if edge == "first" else b.op("Sub", lengths, b.integers(1))
    numbers = b.op("Cast", index, to=int(ONNX_TYPES[result.data_type]))
    if not result.is_sequence:
        return Lowered(numbers, result)
    single = Extent(b.op("Expand", b.integers(1), batch), b.integers(1))
    return Lowered(b.op("Unsqueeze", numbers, b.integers(1)), result, single)


def _emitted(ctx: Lowering, condition: Lowered) -> ir.Value:
    """int64 ``[N, T]``: how many steps have been emitted after each step."""
    b = ctx.builder
    value = ctx.masked(condition)
    if condition.type.rank:
        value = b.op("Reshape", value, b.integers(0, 0))
    wide = b.op("Cast", value, to=int(ir.DataType.DOUBLE))
    total = b.op("CumSum", wide, b.constant(1, np.int64))
    epsilon = 2.0**-52 if condition.type.data_type is DataType.DOUBLE else 2.0**-23
    return b.op("Cast", b.op("Ceil", b.op("Mul", total, b.constant(1.0 - epsilon, np.float64))), to=int(ir.DataType.INT64))


def _sources(ctx: Lowering, condition: Lowered, emitted: ir.Value, steps: ir.Value) -> ir.Value:
    """int64 ``[N, T']``: the source step of each emitted step: as many as have emitted no more than came before it."""
    assert condition.extent is not None
    b = ctx.builder
    positions = b.op("Range", b.constant(0, np.int64), b.op("Squeeze", steps, b.integers(0)), b.constant(1, np.int64))
    before = b.op("LessOrEqual", b.op("Unsqueeze", emitted, b.integers(2)), positions)
    count = b.op("ReduceSum", b.op("Cast", before, to=int(ir.DataType.INT64)), b.integers(1), keepdims=0)
    return b.op("Min", count, b.op("Sub", condition.extent.steps, b.integers(1)))


@lowers("PackedIndex", onnx="nothing (step numbers stay step numbers)", structural=True)
def lower_packed_index(ctx: Lowering, node: Node) -> Lowered:
    """The index, which counts steps of each sequence on its own."""
    return ctx.value(node.inputs[1])


@lowers("GatherPacked", onnx="GatherND over batches", structural=True)
def lower_gather_packed(ctx: Lowering, node: Node) -> ir.Value:
    """``y[j] = x[index[j]]``, sequence by sequence."""
    operand, index = ctx.operands(node)
    if ctx.in_step or operand.extent is None:
        raise Refuse("a gather of steps inside a recurrence, or from a value without a sequence axis")
    b = ctx.builder
    edge = None if index.type.is_sequence else _edge_of_index(ctx, node.inputs[1])
    if edge is not None:
        return _gather_edge(ctx, operand, *edge)
    steps = _step_numbers(ctx, index)
    if index.type.is_sequence:
        return gather_steps(ctx, operand, steps)
    single = gather_steps(ctx, operand, b.op("Unsqueeze", steps, b.integers(1)))
    return b.op("Squeeze", single, b.integers(1))


def _edge_of_index(ctx: Lowering, index: str) -> tuple[str, Lowered] | None:
    """Whether an index is the first or the last step of each sequence, and the condition whose sequences these are."""
    node = ctx.network.producers.get(index)
    if node is not None and node.op == "PackedIndex":
        node = ctx.network.producers.get(node.inputs[1])
    if node is None or node.op != "Where":
        return None
    edge, condition = _edge(ctx, node.inputs[0]), ctx.value(node.inputs[0])
    return None if edge is None else (edge, condition)


def _gather_edge(ctx: Lowering, operand: Lowered, edge: str, condition: Lowered) -> ir.Value:
    """The first or the last step of each sequence, without numbers of steps on the way."""
    assert condition.extent is not None
    b = ctx.builder
    if edge == "first":
        return b.op("Gather", operand.value, b.constant(0, np.int64), axis=1)
    last = b.op("Unsqueeze", b.op("Max", b.op("Sub", condition.extent.lengths, b.integers(1)), b.integers(0)), b.integers(1))
    single = b.op("GatherND", operand.value, b.op("Unsqueeze", last, b.integers(2)), batch_dims=1)
    return b.op("Squeeze", single, b.integers(1))


def _step_numbers(ctx: Lowering, index: Lowered) -> ir.Value:
    """int64 ``[N(, T)]``, padding included as 0."""
    b = ctx.builder
    value = ctx.masked(index)
    if index.type.rank:
        value = b.op("Reshape", value, b.integers(*[0] * index.type.dynamic_rank))
    return b.op("Cast", value, to=int(ir.DataType.INT64))


@lowers("ScatterPacked", onnx="ScatterND with addition")
def lower_scatter_packed(ctx: Lowering, node: Node) -> ir.Value:
    """``y[index[j]] += x[j]`` over zeros on the condition's axis, sequence by sequence."""
    operand, index, condition = ctx.operands(node)
    if ctx.in_step or condition.extent is None:
        raise Refuse("a scatter of steps inside a recurrence, or to a value without a sequence axis")
    b, static = ctx.builder, operand.type
    steps, values = _step_numbers(ctx, index), ctx.masked(operand)
    if not index.type.is_sequence:
        steps = b.op("Unsqueeze", steps, b.integers(1))
    if not operand.type.is_sequence:
        values = b.op("Unsqueeze", values, b.integers(1))
    sizes = b.op("Shape", steps)
    batch = b.op(
        "Range", b.constant(0, np.int64), b.op("Squeeze", ctx.shape_vector(steps, 0, 1), b.integers(0)), b.constant(1, np.int64)
    )
    rows = b.op("Expand", b.op("Unsqueeze", batch, b.integers(1)), sizes)
    where = b.op("Concat", b.op("Unsqueeze", rows, b.integers(2)), b.op("Unsqueeze", steps, b.integers(2)), axis=2)
    parts = [ctx.dynamic_shape(condition), *([ctx.shape_vector(values, 2)] if static.rank else [])]
    empty = b.op("Expand", ctx.like(operand, 0.0), b.op("Concat", *parts, axis=0))
    return b.op("ScatterND", empty, where, values, reduction="add")
