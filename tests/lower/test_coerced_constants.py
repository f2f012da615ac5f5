"""Constants of another element type than what varies: CNTK's front ends leave float32 ones in float64 models."""

from __future__ import annotations

import numpy as np
import pytest

from tests.lower.graphs import BATCH, SEQUENCE, Graph, static_axis

DOUBLE = np.float64


@pytest.mark.parametrize("operator", ["PastValue", "FutureValue"])
def test_delay_of_float64_begins_with_a_float32_constant(operator: str) -> None:
    graph = Graph()
    y = graph.op(operator, graph.input("x", (1,), SEQUENCE, DOUBLE), graph.constant(0.5), offset=1)
    expected = [[[0.5], [1.0]]] if operator == "PastValue" else [[[1 / 3], [0.5]]]
    made = graph.run(y, {"x": [[[1.0], [1 / 3]]]})
    assert made.dtype == DOUBLE
    np.testing.assert_array_equal(made, expected)


def test_flag_of_the_last_step_of_a_float64_sequence_is_float64() -> None:
    graph = Graph()
    x = graph.input("x", (2,), SEQUENCE, DOUBLE)
    zeros = graph.op("ReconcileDynamicAxis", graph.constant(0.0), x)
    y = graph.op("FutureValue", zeros, graph.constant(1.0), offset=1)
    made = graph.run(y, {"x": np.ones((2, 3, 2))}, lengths=[3, 2])
    assert made.dtype == DOUBLE
    np.testing.assert_array_equal(made, [[0, 0, 1], [0, 1, 0]])


def test_float32_condition_chooses_between_float64_values() -> None:
    graph = Graph()
    x = graph.input("x", (3,), BATCH, DOUBLE)
    y = graph.op("Select", graph.constant([0.0, -2.0, 1.0]), x, graph.op("Negate", x))
    np.testing.assert_array_equal(graph.run(y, {"x": [[1, 2, 3]]}), [[-1, 2, 3]])


def test_power_and_logarithmic_sum_of_a_float32_constant_and_float64_values() -> None:
    graph = Graph()
    x = graph.input("x", (2,), BATCH, DOUBLE)
    power, total = graph.op("Pow", graph.constant(2.0), x), graph.op("LogPlus", graph.constant(1.0), x)
    made = graph.convert(power, total).run({"x": [[-1.5, 3.25]]})
    np.testing.assert_allclose(made[power], 2.0 ** np.array([[-1.5, 3.25]]), rtol=1e-14)
    np.testing.assert_allclose(made[total], np.logaddexp(1.0, [[-1.5, 3.25]]), rtol=1e-14)


def test_product_and_splice_with_float32_constants() -> None:
    graph = Graph()
    x = graph.input("x", (2,), BATCH, DOUBLE)
    product = graph.op("Times", graph.constant(np.array([[1.0], [2.0]])), x, outputRank=1)
    joined = graph.op("Splice", graph.constant(np.array([7.0])), product, axis=static_axis(0))
    np.testing.assert_allclose(graph.run(joined, {"x": [[1 / 3, 1.0]]}), [[7, 2 + 1 / 3]], rtol=1e-15)


def test_recurrence_over_float64_begins_with_a_float32_constant() -> None:
    graph = Graph()
    x = graph.input("x", (1,), SEQUENCE, DOUBLE)
    state, delayed = graph.delay("PastValue", graph.constant(0.5))
    total = graph.op("Plus", delayed, x)
    graph.bind(state, total)
    np.testing.assert_array_equal(graph.run(total, {"x": [[[1.0], [2.0]]]}), [[[1.5], [3.5]]])
