"""Types of reductions: semantics reference, section 6.1."""

from __future__ import annotations

import pytest

from bridge.errors import InvalidGraphError
from bridge.graph.model import DEFAULT_BATCH_AXIS, DEFAULT_SEQUENCE_AXIS, Axis, AxisKind
from tests.graph.inference.typed import type_of
from tests.lower.graphs import ALL_STATIC, BATCH, SEQUENCE, Graph, static_axis

ALL = Axis(AxisKind.ALL)


@pytest.mark.parametrize(
    ("axes", "keep", "result", "dynamic"),
    [
        ((static_axis(0),), True, (2, 3, 1), SEQUENCE),
        ((static_axis(0),), False, (2, 3), SEQUENCE),
        ((static_axis(2), static_axis(0)), True, (1, 3, 1), SEQUENCE),
        ((static_axis(-1),), False, (3, 4), SEQUENCE),
        ((ALL_STATIC,), False, (), SEQUENCE),
        ((DEFAULT_SEQUENCE_AXIS,), True, (2, 3, 4), BATCH),
        ((DEFAULT_BATCH_AXIS, DEFAULT_SEQUENCE_AXIS), True, (2, 3, 4), ()),
        ((DEFAULT_SEQUENCE_AXIS, static_axis(1)), False, (2, 4), BATCH),
        ((ALL,), False, (), ()),
        ((ALL,), True, (1, 1, 1), ()),
    ],
)
def test_reduced_axes_go_or_stay_as_one(
    axes: tuple[Axis, ...], keep: bool, result: tuple[int, ...], dynamic: tuple[Axis, ...]
) -> None:
    graph = Graph()
    x = graph.input("x", (2, 3, 4), SEQUENCE)
    found = type_of(graph, graph.op("ReduceElements", x, axisVec=axes, reductionOpName="Sum", reductionKeepDimensions=keep))
    assert (found.shape, found.axes) == (result, dynamic)


def test_reduction_over_the_batch_of_sequences_is_an_error() -> None:
    graph = Graph()
    y = graph.op("ReduceElements", graph.input("x", (2,), SEQUENCE), axis=DEFAULT_BATCH_AXIS, reductionOpName="Sum")
    with pytest.raises(InvalidGraphError, match="reduction over the batch axis of a sequence"):
        type_of(graph, y)


def test_reduction_over_an_axis_that_does_not_exist_is_an_error() -> None:
    graph = Graph()
    y = graph.op("ReduceElements", graph.input("x", (2,)), axis=static_axis(1), reductionOpName="Sum")
    with pytest.raises(InvalidGraphError, match="axis 1 of a tensor of 1 static"):
        type_of(graph, y)


def test_sum_over_everything_is_one_number() -> None:
    graph = Graph()
    found = type_of(graph, graph.op("SumAll", graph.input("x", (2, 3), SEQUENCE)))
    assert (found.shape, found.axes) == ((), ())
