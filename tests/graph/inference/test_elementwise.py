"""Types of element-wise operators: semantics reference, section 1."""

from __future__ import annotations

import pytest

from bridge.errors import InvalidGraphError
from bridge.graph.model import FREE, DataType
from tests.graph.inference.typed import type_of
from tests.lower.graphs import BATCH, SEQUENCE, STATIC, Graph


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [
        ((3,), (2, 3), (2, 3)),
        ((2, 1), (3,), (2, 3)),
        ((), (4, 5), (4, 5)),
        ((2, 1, 4, 1, 3), (5, 1, 7, 1), (2, 5, 4, 7, 3)),
        ((FREE,), (1,), (FREE,)),
        ((FREE,), (4,), (4,)),
    ],
)
def test_static_axes_broadcast_from_the_last(left: tuple[int, ...], right: tuple[int, ...], result: tuple[int, ...]) -> None:
    graph = Graph()
    found = type_of(graph, graph.op("Plus", graph.input("a", left), graph.input("b", right)))
    assert found.shape == result


@pytest.mark.parametrize("axes", [STATIC, BATCH, SEQUENCE])
def test_operand_without_dynamic_axes_takes_those_of_the_other(axes: tuple[object, ...]) -> None:
    graph = Graph()
    x = graph.input("x", (3,), {0: STATIC, 1: BATCH, 2: SEQUENCE}[len(axes)])
    assert type_of(graph, graph.op("Minus", graph.constant([1.0]), x)).axes == axes


def test_operands_that_do_not_fit_are_named_with_their_types() -> None:
    graph = Graph()
    y = graph.op("Plus", graph.input("a", (2,)), graph.input("b", (3,)))
    with pytest.raises(InvalidGraphError, match=r"operands of Plus do not fit: float\[defaultBatchAxis, 2\] and float"):
        type_of(graph, y)


@pytest.mark.parametrize("operator", ["Clip", "Select"])
def test_bounds_and_branches_broadcast_too(operator: str) -> None:
    graph = Graph()
    y = graph.op(operator, graph.input("a", (3,)), graph.input("b", (2, 1)), graph.input("c", ()))
    assert type_of(graph, y).shape == (2, 3)


@pytest.mark.parametrize(("operator", "count"), [("Tanh", 2), ("Plus", 1), ("Plus", 3), ("Select", 2), ("BatchNormalization", 1)])
def test_wrong_number_of_operands_is_an_error(operator: str, count: int) -> None:
    graph = Graph()
    y = graph.op(operator, *[graph.input("x", (2,))] * count)
    with pytest.raises(InvalidGraphError, match=rf"{operator} takes .* operands, found {count}"):
        type_of(graph, y)


def test_cast_changes_the_element_type() -> None:
    graph = Graph()
    assert type_of(graph, graph.op("Cast", graph.input("x", (2,)), newDataType=int(DataType.DOUBLE))).data_type is DataType.DOUBLE


@pytest.mark.parametrize("code", [0, 3, 5, 99])
def test_cast_to_no_floating_point_type_is_an_error(code: int) -> None:
    graph = Graph()
    with pytest.raises(InvalidGraphError, match=f"cast to data type {code}; expected 1"):
        type_of(graph, graph.op("Cast", graph.input("x", (2,)), newDataType=code))


def test_assignment_has_the_type_of_its_value() -> None:
    graph = Graph()
    y = graph.op("Assign", graph.parameter([[0.0]]), graph.constant([[1.0, 2.0]]))
    assert type_of(graph, y).shape == (1, 2)
