"""Softmax and its relatives: primitives over a whole sample, blocks along one axis."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bridge.graph.model import Axis
from tests.lower.graphs import SEQUENCE, STATIC, Graph, static_axis
from tests.lower.ragged import holds_for_any_batch

Numbers = npt.NDArray[Any]
CUBE = np.random.default_rng(1).standard_normal((2, 3, 4)) * 5


def softmax(values: Numbers, axis: int | tuple[int, ...]) -> Numbers:
    exponentials = np.exp(values - values.max(axis, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis, keepdims=True))


def softmax_block(graph: Graph, x: str, axis: Axis, *, name: str = "Softmax", reduced: Axis | None = None) -> str:
    """What CNTK saves for a softmax along one axis, with the division by the sum as a block of its own."""
    inner = graph.placeholder(f"{name}_x")
    greatest = graph.op("ReduceElements", inner, reductionOpName="Max", axis=axis, reductionKeepDimensions=True)
    exponentials = graph.op("Exp", graph.op("Minus", inner, greatest))
    total = graph.op("ReduceElements", exponentials, reductionOpName="Sum", axis=reduced or axis, reductionKeepDimensions=True)
    above, below = graph.placeholder(f"{name}_above"), graph.placeholder(f"{name}_below")
    quotient = graph.op("ElementTimes", above, graph.op("Reciprocal", below))
    divided = graph.block("ElementDivide", quotient, {above: exponentials, below: total})
    return graph.block(name, divided, {inner: x}, axis=static_axis(-1))


@pytest.mark.parametrize("operator", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_primitive_works_over_the_flattened_sample(operator: str, dtype: str) -> None:
    graph = Graph()
    x = graph.input("x", (3, 4), dtype=dtype)
    made = graph.run(graph.op(operator, x), {x: CUBE})
    wanted = softmax(CUBE, (1, 2))
    np.testing.assert_allclose(made, np.log(wanted) if operator == "LogSoftmax" else wanted, rtol=1e-5)
    assert made.dtype == dtype


@pytest.mark.parametrize("operator", ["Softmax", "Hardmax"])
def test_without_dynamic_axes_the_primitive_works_along_the_last_axis(operator: str) -> None:
    graph = Graph()
    made = graph.run(graph.op(operator, graph.constant(CUBE)), {})
    wanted = softmax(CUBE, 2) if operator == "Softmax" else (CUBE.max(2, keepdims=True) == CUBE)
    np.testing.assert_allclose(made, wanted, rtol=1e-5)


def test_softmax_of_scalars_is_one() -> None:
    graph = Graph()
    x = graph.input("x", ())
    assert graph.run(graph.op("Softmax", x), {x: [3, -7]}).tolist() == [1, 1]


def test_softmax_of_free_dimensions() -> None:
    graph = Graph()
    x = graph.input("x", (-3, 4))
    np.testing.assert_allclose(graph.run(graph.op("Softmax", x), {x: CUBE}), softmax(CUBE, (1, 2)), rtol=1e-5)


def test_softmax_of_an_infinity_is_nan_where_it_stands_and_zero_elsewhere() -> None:
    graph = Graph()
    x = graph.input("x", (2,))
    made = graph.run(graph.op("Softmax", x), {x: [[-np.inf, 0], [-np.inf, -np.inf]]})
    np.testing.assert_array_equal(made, [[0, 1], [np.nan, np.nan]])


def test_softmax_of_a_sequence() -> None:
    graph = Graph()
    x = graph.input("x", (2, 3), SEQUENCE)
    holds_for_any_batch(graph.convert(graph.op("Softmax", x)), lambda x: softmax(x, (1, 2)))


@pytest.mark.parametrize(("column", "row"), [(0, 2), (1, 1)])
def test_block_becomes_one_operator_along_its_axis(column: int, row: int) -> None:
    graph = Graph()
    x = graph.input("x", (3, 4))
    y = softmax_block(graph, x, static_axis(column))
    assert graph.operators(y) == ["Softmax"]
    np.testing.assert_allclose(graph.run(y, {x: CUBE}), softmax(CUBE, row), rtol=1e-5)


def test_block_of_another_name_is_dissolved_and_computes_the_same() -> None:
    graph = Graph()
    x = graph.input("x", (3, 4))
    y = softmax_block(graph, x, static_axis(0), name="Normalise")
    assert "Softmax" not in graph.operators(y)
    np.testing.assert_allclose(graph.run(y, {x: CUBE}), softmax(CUBE, 2), rtol=1e-5)


def test_block_called_softmax_that_reduces_two_axes_is_dissolved() -> None:
    graph = Graph()
    x = graph.input("x", (3, 4))
    y = softmax_block(graph, x, static_axis(0), reduced=static_axis(1))
    assert "Softmax" not in graph.operators(y)
    exponentials = np.exp(CUBE - CUBE.max(2, keepdims=True))
    np.testing.assert_allclose(graph.run(y, {x: CUBE}), exponentials / exponentials.sum(1, keepdims=True), rtol=1e-5)


def test_block_called_softmax_that_holds_something_else_computes_that() -> None:
    graph = Graph()
    x = graph.input("x", (3,))
    inner = graph.placeholder("inner")
    y = graph.block("Softmax", graph.op("Negate", inner), {inner: x}, axis=static_axis(0))
    assert graph.run(y, {x: [[1, 2, 3]]}).tolist() == [[-1, -2, -3]]


def test_block_log_softmax_becomes_one_operator() -> None:
    graph = Graph()
    x = graph.input("x", (3, 4))
    inner = graph.placeholder("inner")
    log_sum = graph.op("ReduceElements", inner, reductionOpName="LogSum", axis=static_axis(1), reductionKeepDimensions=True)
    y = graph.block("LogSoftmax", graph.op("Minus", inner, log_sum), {inner: x})
    assert graph.operators(y) == ["LogSoftmax"]
    np.testing.assert_allclose(graph.run(y, {x: CUBE}), np.log(softmax(CUBE, 1)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_hardmax_marks_the_first_maximum_of_the_whole_sample(dtype: str) -> None:
    graph = Graph()
    x = graph.input("x", (2, 2), dtype=dtype)
    nothing = np.full((2, 2), -np.inf)
    made = graph.run(graph.op("Hardmax", x), {x: np.stack([np.array([[1, 3], [3, 2]]), nothing])})
    assert made.tolist() == [[[0, 1], [0, 0]], [[1, 0], [0, 0]]]
    assert made.dtype == dtype


def test_hardmax_of_float64_tells_numbers_apart_that_float32_does_not() -> None:
    graph = Graph()
    x = graph.input("x", (2,), STATIC, np.float64)
    assert graph.run(graph.op("Hardmax", x), {x: [1, 1 + 1e-12]}).tolist() == [0, 1]
