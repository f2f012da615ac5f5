"""Batch normalisation of vectors goes into the product or the recurrence that reads it, and the mask of padding to a bias."""

from __future__ import annotations

import numpy as np

from bridge.lower import LoweringOptions
from tests.lower.graphs import BATCH, SEQUENCE, Array, Graph
from tests.lower.ragged import holds_for_any_batch
from tests.lower.recurrence.cntk_cells import HIDDEN, INPUTS, Lstm, Writer, matrix, recurrence, unrolled

EPSILON = 1e-3


def statistics(seed: int, size: int) -> list[Array]:
    """Scale, bias, mean and variance."""
    return [*matrix(seed, 3, size), np.abs(matrix(seed + 1, size)) + 0.5]


def normalised(graph: Graph, data: str, numbers: list[Array]) -> str:
    operands = [graph.parameter(array) for array in numbers]
    return graph.op("BatchNormalization", data, *operands, graph.constant(0.0), spatial=False, epsilon=EPSILON)


def formula(x: Array, numbers: list[Array]) -> Array:
    scale, bias, mean, variance = numbers
    return np.asarray(scale * (x - mean) / np.sqrt(variance + EPSILON) + bias)


def dense(graph: Graph, data: str) -> str:
    product = graph.op("Times", graph.parameter(matrix(4, INPUTS, 5)), data, outputRank=1)
    return graph.op("Plus", product, graph.parameter(matrix(5, 5)))


def dense_formula(x: Array) -> Array:
    return np.asarray(x @ matrix(4, INPUTS, 5) + matrix(5, 5))


def test_normalisation_goes_into_the_product_after_it_with_one_bias() -> None:
    graph, numbers = Graph(), statistics(1, INPUTS)
    converted = graph.convert(dense(graph, normalised(graph, graph.input("x", (INPUTS,), BATCH), numbers)))
    assert converted.operators == ["MatMul", "Add"]
    x = np.random.default_rng(3).standard_normal((4, INPUTS))
    (answer,) = converted.run({"x": x}).values()
    np.testing.assert_allclose(answer, dense_formula(formula(x, numbers)), rtol=1e-4, atol=1e-5)


def test_normalisation_stays_where_it_is_an_output_and_without_folding() -> None:
    graph, numbers = Graph(), statistics(1, INPUTS)
    between = normalised(graph, graph.input("x", (INPUTS,), BATCH), numbers)
    y = dense(graph, between)
    assert "BatchNormalization" in graph.operators(y, between)
    assert "BatchNormalization" in graph.convert(y, options=LoweringOptions(fold=False)).operators


def test_variance_that_makes_a_factor_infinite_is_not_folded() -> None:
    graph, numbers = Graph(), statistics(1, INPUTS)
    numbers[3] = np.full(INPUTS, -1.0)
    converted = graph.convert(dense(graph, normalised(graph, graph.input("x", (INPUTS,), BATCH), numbers)))
    assert "BatchNormalization" in converted.operators


def test_normalisation_goes_into_the_recurrence_after_it() -> None:
    graph, numbers, cell = Graph(), statistics(6, INPUTS), Lstm()
    y = recurrence(Writer(graph), normalised(graph, graph.input("x", (INPUTS,), SEQUENCE), numbers), cell)
    converted = graph.convert(y)
    assert "LSTM" in converted.operators
    assert "BatchNormalization" not in converted.operators
    holds_for_any_batch(converted, lambda x: unrolled(cell.step, formula(x, numbers)), tolerance=1e-4)


def test_padding_after_a_recurrence_is_zeroed_in_the_bias() -> None:
    graph, cell = Graph(), Lstm()
    states = recurrence(Writer(graph), graph.input("x", (INPUTS,), SEQUENCE), cell)
    product = graph.op("Times", graph.parameter(matrix(8, HIDDEN, 5)), states, outputRank=1)
    converted = graph.convert(graph.op("Plus", product, graph.parameter(matrix(9, 5))))
    assert converted.operators.count("Mul") + converted.operators.count("Where") == 0
    holds_for_any_batch(converted, lambda x: np.asarray(unrolled(cell.step, x) @ matrix(8, HIDDEN, 5) + matrix(9, 5)))


def test_padding_after_a_product_of_an_input_may_hold_anything() -> None:
    graph = Graph()
    converted = graph.convert(dense(graph, graph.input("x", (INPUTS,), SEQUENCE)))
    assert "Where" in converted.operators
    holds_for_any_batch(converted, dense_formula)
