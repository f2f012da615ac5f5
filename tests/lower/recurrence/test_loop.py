"""Recurrences that no loop over time can express are refused, each by the name of a node in it."""

from __future__ import annotations

import pytest

from bridge.errors import UnsupportedOperatorsError
from tests.lower.graphs import BATCH, SEQUENCE, Graph


def refusal(graph: Graph, output: str) -> str:
    """Why ``output`` is not converted: one refusal."""
    with pytest.raises(UnsupportedOperatorsError) as caught:
        graph.lower(output)
    (found,) = caught.value.refusals
    return str(found)


def test_loop_with_both_directions_is_refused_by_name() -> None:
    graph = Graph()
    x = graph.input("x", (2,), SEQUENCE)
    past_hole = graph.placeholder("later")
    past = graph.op("PastValue", past_hole, graph.constant(0.0), offset=1, name="memory")
    future_hole = graph.placeholder("sooner")
    future = graph.op("FutureValue", future_hole, graph.constant(0.0), offset=1, name="foresight")
    new = graph.op("Plus", x, graph.op("Plus", past, future))
    graph.bind(past_hole, new)
    graph.bind(future_hole, new)
    found = refusal(graph, new)
    assert "forwards and backwards at once" in found
    assert "memory" in found or "foresight" in found


def test_loop_over_no_sequence_is_refused() -> None:
    graph = Graph()
    x = graph.input("x", (2,), BATCH)
    hole, old = graph.delay("PastValue", graph.constant(0.0))
    new = graph.op("Plus", x, old)
    graph.bind(hole, new)
    assert "reads no sequence" in refusal(graph, new)


@pytest.mark.parametrize("offset", [0, -1])
def test_delay_by_less_than_one_step_is_refused(offset: int) -> None:
    graph = Graph()
    hole, old = graph.delay("PastValue", graph.constant(0.0), offset)
    new = graph.op("Plus", graph.input("x", (2,), SEQUENCE), old)
    graph.bind(hole, new)
    assert f"delays by {offset} steps; expected at least 1" in refusal(graph, new)


def test_choice_of_steps_inside_a_loop_is_refused() -> None:
    graph = Graph()
    x = graph.input("x", (), SEQUENCE)
    hole, old = graph.delay("PastValue", graph.constant(0.0))
    where = graph.op("Where", graph.op("Plus", x, old), newDynamicAxes=SEQUENCE)
    new = graph.op("GatherPacked", x, graph.op("PackedIndex", x, where))
    graph.bind(hole, new)
    assert "choice of steps inside a recurrence" in refusal(graph, new)


def test_initial_state_from_inside_the_loop_is_refused() -> None:
    graph = Graph()
    x = graph.input("x", (2,), SEQUENCE)
    hole, start = graph.placeholder("value"), graph.placeholder("start")
    new = graph.op("Plus", x, graph.op("PastValue", hole, start, offset=1))
    graph.bind(hole, new)
    graph.bind(start, new)
    assert "initial state depends on the recurrence itself" in refusal(graph, new)
