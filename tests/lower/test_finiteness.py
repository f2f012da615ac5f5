"""Padding that is known to be finite is multiplied away; any other is selected away."""

from __future__ import annotations

import numpy as np
import pytest

from tests.lower.graphs import BATCH, SEQUENCE, Array, Graph
from tests.lower.ragged import holds_for_any_batch
from tests.lower.recurrence.cntk_cells import HIDDEN, INPUTS, Rnn, Writer, recurrence, unrolled

CELL = Rnn()
BIAS = np.array([0.5, -1.0], np.float32)


def recurrent(graph: Graph) -> str:
    return recurrence(Writer(graph), graph.input("x", (INPUTS,), SEQUENCE), CELL)


def test_bounded_functions_of_a_recurrence_are_multiplied_away() -> None:
    graph = Graph()
    y = graph.op("StableSigmoid", graph.op("Plus", recurrent(graph), graph.constant(BIAS)))
    converted = graph.convert(y)
    assert "Where" not in converted.operators
    holds_for_any_batch(converted, lambda x: np.asarray(1 / (1 + np.exp(-(unrolled(CELL.step, x) + BIAS)))))


@pytest.mark.parametrize("operator", ["Log", "Exp", "Sqrt", "Reciprocal"])
def test_functions_that_may_yield_anything_are_selected_away(operator: str) -> None:
    graph = Graph()
    y = graph.op(operator, graph.op("ElementTimes", recurrent(graph), graph.constant(0.0)))
    converted = graph.convert(y)
    assert "Where" in converted.operators
    value = {"Log": -85.1, "Exp": 1.0, "Sqrt": 0.0, "Reciprocal": 0.0}[operator]
    holds_for_any_batch(converted, lambda x: np.full((len(x), HIDDEN), value), examples=4)


@pytest.mark.parametrize("constant", [np.inf, -np.inf, np.nan])
def test_constants_that_are_not_finite_are_selected_away(constant: float) -> None:
    graph = Graph()
    y = graph.op("Plus", recurrent(graph), graph.constant(constant))
    made = graph.run(y, {"x": np.zeros((2, 3, INPUTS))}, [3, 1])
    assert not made[1, 1:].any()
    assert not np.isfinite(made[0]).any()


def test_values_per_sample_may_be_anything() -> None:
    graph = Graph()
    state = recurrent(graph)
    context = graph.op("ReconcileDynamicAxis", graph.input("context", (HIDDEN,), BATCH), state)
    converted = graph.convert(graph.op("Plus", state, context))
    feeds = {"x": np.zeros((2, 2, INPUTS)), "context": np.full((2, HIDDEN), np.nan)}
    (made,) = converted.run(feeds, [2, 1]).values()
    assert np.isnan(made[0]).all()
    assert not made[1, 1:].any()


def test_inputs_padded_with_anything_never_reach_an_output() -> None:
    graph = Graph()
    state = recurrent(graph)
    wide = graph.op("Times", graph.parameter(np.ones((INPUTS, HIDDEN))), "x", outputRank=1, inferInputRankToMap=-1)

    def reference(x: Array) -> Array:
        return np.asarray(unrolled(CELL.step, x) + x.sum(axis=1, keepdims=True))

    holds_for_any_batch(graph.convert(graph.op("Plus", state, wide)), reference)
