"""Types of operators that make, drop or walk along sequence axes."""

from __future__ import annotations

from bridge.errors import InvalidGraphError
from bridge.graph import attributes
from bridge.graph.inference.rule import Operands, Result, expect_operands, rule
from bridge.graph.model import DEFAULT_BATCH_AXIS, FREE, Axis, AxisKind
from bridge.graph.network import Node
from bridge.graph.types import broadcast_shapes, ordered_axes


def new_axes(node: Node) -> tuple[Axis, ...]:
    """The dynamic axes a node states for its output, batch first."""
    stated = [item for item in attributes.vector(node, "newDynamicAxes") if isinstance(item, Axis)]
    if any(axis.kind not in (AxisKind.BATCH, AxisKind.SEQUENCE) for axis in stated):
        raise InvalidGraphError("newDynamicAxes holds an axis that is not dynamic", node=node.uid)
    if len([axis for axis in stated if axis.kind is AxisKind.SEQUENCE]) > 1:
        raise InvalidGraphError("newDynamicAxes holds more than one sequence axis", node=node.uid)
    return ordered_axes(stated)


@rule("PastValue", "FutureValue")
def _delay(node: Node, operands: Operands) -> Result:
    """The shape of the operand and of the initial state, broadcast; the axes of the operand."""
    expect_operands(node, 2)
    data, initial = operands
    if data is None or initial is None:
        return data
    shape = broadcast_shapes([data.shape, initial.shape])
    if shape is None:
        raise InvalidGraphError(f"a delay of {data} cannot begin with {initial}: their shapes do not fit", node=node.uid)
    return data.with_shape(shape)


@rule("Where")
def _where(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1)
    return None if operands[0] is None else operands[0].with_shape(()).with_axes(new_axes(node))


@rule("PackedIndex")
def _packed_index(node: Node, operands: Operands) -> Result:
    expect_operands(node, 2)
    return operands[1]


@rule("GatherPacked")
def _gather_packed(node: Node, operands: Operands) -> Result:
    expect_operands(node, 2)
    data, index = operands
    return None if data is None or index is None else data.with_axes(index.axes)


@rule("ScatterPacked")
def _scatter_packed(node: Node, operands: Operands) -> Result:
    expect_operands(node, 3)
    data, _, condition = operands
    return None if data is None or condition is None else data.with_axes(condition.axes)


@rule("ReconcileDynamicAxis")
def _reconcile(node: Node, operands: Operands) -> Result:
    expect_operands(node, 2)
    data, like = operands
    if data is None:
        return None
    return data if like is None else data.with_axes(like.axes)


@rule("ToSequence")
def _to_sequence(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1, 2)
    data = operands[0]
    if data is None:
        return None
    if data.rank < 1:
        raise InvalidGraphError("ToSequence of a scalar: there is no axis to turn into a sequence", node=node.uid)
    return data.with_shape(data.shape[1:]).with_axes(new_axes(node))


@rule("ToSequenceLike")
def _to_sequence_like(node: Node, operands: Operands) -> Result:
    expect_operands(node, 2)
    data, like = operands
    if data is None:
        return None
    if data.rank < 1:
        raise InvalidGraphError("ToSequenceLike of a scalar: there is no axis to turn into a sequence", node=node.uid)
    result = data.with_shape(data.shape[1:])
    return result if like is None else result.with_axes(like.axes)


@rule("UnpackSequence")
def _unpack_sequence(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1)
    data = operands[0]
    if data is None:
        return None
    unpacked = data.with_shape((FREE, *data.shape)).with_axes(data.axes[:1])
    return (unpacked, unpacked.with_shape((FREE,)))


@rule("UnpackBatch")
def _unpack_batch(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1)
    data = operands[0]
    if data is None:
        return None
    if data.is_sequence:
        raise InvalidGraphError("UnpackBatch of a sequence", node=node.uid)
    return data.with_shape((FREE, *data.shape)).with_axes(()) if data.axes else data


@rule("ToBatch")
def _to_batch(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1)
    data = operands[0]
    if data is None:
        return None
    if data.rank < 1 or data.axes:
        raise InvalidGraphError(f"ToBatch of {data}: expected at least one static axis and no dynamic ones", node=node.uid)
    return data.with_shape(data.shape[1:]).with_axes((DEFAULT_BATCH_AXIS,))


@rule("OptimizedRNNStack")
def _optimized_rnn_stack(node: Node, operands: Operands) -> Result:
    expect_operands(node, 2)
    data = operands[0]
    if data is None:
        return None
    width = attributes.integer(node, "hiddenSize") * (2 if attributes.flag(node, "bidirectional", default=False) else 1)
    return data.with_shape((*data.shape[:-1], width))
