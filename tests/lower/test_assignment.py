"""Assign yields what it writes, and is refused where somebody would see the writing."""

from __future__ import annotations

import pytest

from bridge.errors import UnsupportedOperatorsError
from tests.lower.graphs import STATIC, Graph


def test_assigned_value_is_the_result_and_the_lost_writing_is_reported() -> None:
    graph = Graph()
    x, target = graph.input("x", (2,), STATIC), graph.parameter([0, 0])
    y = graph.op("Assign", target, graph.op("Negate", x))
    assert graph.run(y, {x: [1, 2]}).tolist() == [-1, -2]
    assert any("keeps no state" in warning for warning in graph.lower(y).report.warnings)


def test_reading_the_assigned_parameter_elsewhere_is_refused() -> None:
    graph = Graph()
    x, target = graph.input("x", (2,), STATIC), graph.parameter([0, 0])
    y, z = graph.op("Assign", target, x), graph.op("Plus", target, x)
    with pytest.raises(UnsupportedOperatorsError, match="second evaluation"):
        graph.lower(y, z)


def test_counter_is_refused() -> None:
    graph = Graph()
    target = graph.parameter([0])
    with pytest.raises(UnsupportedOperatorsError, match="second evaluation"):
        graph.lower(graph.op("Assign", target, graph.op("Plus", target, graph.constant([1]))))


def test_reader_that_is_not_converted_does_not_matter() -> None:
    graph = Graph()
    x, target = graph.input("x", (2,), STATIC), graph.parameter([0, 0])
    y, _ = graph.op("Assign", target, x), graph.op("Plus", target, x)
    assert graph.run(y, {x: [1, 2]}).tolist() == [1, 2]


def test_two_writers_do_not_read() -> None:
    graph = Graph()
    x, target = graph.input("x", (2,), STATIC), graph.parameter([0, 0])
    y, z = graph.op("Assign", target, x), graph.op("Assign", target, graph.op("Negate", x))
    made = graph.run_all([y, z], {x: [1, 2]})
    assert [made[y].tolist(), made[z].tolist()] == [[1, 2], [-1, -2]]
