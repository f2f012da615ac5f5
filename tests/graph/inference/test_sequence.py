"""Types of sequence operators: semantics reference, section 7.2."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.errors import InvalidGraphError
from bridge.graph.inference.rule import RULES
from bridge.graph.model import DEFAULT_BATCH_AXIS, DEFAULT_SEQUENCE_AXIS, FREE, Axis, AxisKind, DataType
from bridge.graph.network import Node
from tests.graph.inference.typed import type_of
from tests.lower.graphs import BATCH, SEQUENCE, STATIC, Graph, static_axis

OTHER = (DEFAULT_BATCH_AXIS, Axis(AxisKind.SEQUENCE, name="other"))


def test_where_yields_numbers_on_the_axes_it_states() -> None:
    graph = Graph()
    found = type_of(graph, graph.op("Where", graph.input("x", (1,), SEQUENCE), newDynamicAxes=(OTHER[1], OTHER[0])))
    assert (found.shape, found.axes) == ((), OTHER)


@pytest.mark.parametrize(
    ("axes", "complaint"),
    [((static_axis(0),), "not dynamic"), ((OTHER[1], DEFAULT_SEQUENCE_AXIS), "more than one sequence axis")],
)
def test_axes_that_cannot_be_are_an_error(axes: tuple[Axis, ...], complaint: str) -> None:
    graph = Graph()
    with pytest.raises(InvalidGraphError, match=complaint):
        type_of(graph, graph.op("Where", graph.input("x", (), SEQUENCE), newDynamicAxes=axes))


def test_gathered_and_scattered_steps_take_the_axes_of_index_and_condition() -> None:
    graph = Graph()
    x, index = graph.input("x", (3,), SEQUENCE), graph.input("index", (), OTHER)
    gathered = graph.op("GatherPacked", x, graph.op("PackedIndex", x, index))
    assert type_of(graph, gathered).axes == OTHER
    scattered = type_of(graph, graph.op("ScatterPacked", gathered, index, graph.input("condition", (), SEQUENCE)))
    assert (scattered.shape, scattered.axes) == ((3,), SEQUENCE)


@pytest.mark.parametrize("axes", [STATIC, BATCH])
def test_reconciled_value_takes_the_axes_of_the_other(axes: tuple[Axis, ...]) -> None:
    graph = Graph()
    found = type_of(graph, graph.op("ReconcileDynamicAxis", graph.input("x", (3,), axes), graph.input("like", (), SEQUENCE)))
    assert (found.shape, found.axes) == ((3,), SEQUENCE)


def test_float32_constant_repeated_along_float64_sequences_is_float64() -> None:
    """What CNTK's front ends write for the first and the last step of a float64 model."""
    graph = Graph()
    like = graph.input("like", (3,), SEQUENCE, np.float64)
    flags = graph.op("PastValue", graph.op("ReconcileDynamicAxis", graph.constant(0.0), like), graph.constant(1.0), offset=1)
    where = graph.op("Where", flags, newDynamicAxes=OTHER)
    assert [type_of(graph, uid).data_type for uid in (flags, where)] == [DataType.DOUBLE] * 2


def test_sequences_are_made_of_the_first_static_axis() -> None:
    graph = Graph()
    x = graph.input("x", (5, 3), BATCH)
    made = type_of(graph, graph.op("ToSequence", x, newDynamicAxes=OTHER))
    like = type_of(graph, graph.op("ToSequenceLike", x, graph.input("like", (), SEQUENCE)))
    assert (made.shape, made.axes) == ((3,), OTHER)
    assert (like.shape, like.axes) == ((3,), SEQUENCE)


def test_unpacked_sequences_have_a_free_first_axis() -> None:
    graph = Graph()
    y = graph.op("UnpackSequence", graph.input("x", (3,), SEQUENCE), outputs=2)
    assert (type_of(graph, y).shape, type_of(graph, y).axes) == ((FREE, 3), BATCH)


def test_batches_become_static_and_back() -> None:
    graph = Graph()
    static = graph.op("UnpackBatch", graph.input("x", (3,), BATCH))
    assert (type_of(graph, static).shape, type_of(graph, static).axes) == ((FREE, 3), ())
    back = type_of(graph, graph.op("ToBatch", static))
    assert (back.shape, back.axes) == ((3,), BATCH)


@pytest.mark.parametrize(("operator", "count"), [("PastValue", 1), ("Where", 2), ("GatherPacked", 1), ("ScatterPacked", 2)])
def test_wrong_number_of_operands_is_an_error(operator: str, count: int) -> None:
    with pytest.raises(InvalidGraphError, match=f"{operator} takes"):
        RULES[operator](Node("n", operator, ("x",) * count, ("y",)), [None] * count)
