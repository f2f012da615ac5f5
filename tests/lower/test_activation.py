"""Activation functions where ONNX or onnxruntime differ from CNTK: tails, float64 without kernels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from bridge.lower import LoweringOptions
from tests.lower.graphs import Graph

GIVEN = np.array([-60.0, -20.0, -1.5, 0.0, 0.25, 30.0])


def sigmoid(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-x)))


@pytest.mark.parametrize("operator", ["Sigmoid", "StableSigmoid"])
def test_logarithm_sees_the_tail_of_a_sigmoid(operator: str) -> None:
    graph = Graph()
    x = graph.input("x", ())
    made = graph.run(graph.op("Log", graph.op(operator, x)), {x: GIVEN})
    np.testing.assert_allclose(made, np.log(sigmoid(GIVEN)), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("operator", ["Sigmoid", "StableSigmoid"])
def test_sigmoid_that_nothing_looks_closely_at_is_one_operator(operator: str) -> None:
    graph = Graph()
    x = graph.input("x", ())
    y = graph.op(operator, x)
    assert graph.operators(y) == ["Sigmoid"]
    np.testing.assert_allclose(graph.run(y, {x: GIVEN}), sigmoid(GIVEN), atol=1e-7)


def test_plain_math_is_one_sigmoid_whoever_reads_it() -> None:
    graph = Graph()
    y = graph.op("Log", graph.op("Sigmoid", graph.input("x", ())))
    lowered = graph.lower(y, options=LoweringOptions(plain_math=True))
    assert [node.op_type for node in lowered.model.graph] == ["Sigmoid", "Log"]


FUNCTIONS: dict[str, Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]] = {
    "Sigmoid": sigmoid,
    "ELU": lambda x: np.where(x < 0, np.exp(x) - 1, x),
    "Tan": np.tan,
    "Sinh": np.sinh,
    "Cosh": np.cosh,
    "Asinh": np.arcsinh,
    "Atanh": np.arctanh,
}


@pytest.mark.parametrize("operator", FUNCTIONS)
def test_float64_keeps_its_digits(operator: str) -> None:
    graph = Graph()
    x = graph.input("x", (), dtype=np.float64)
    given = np.array([-0.9, -1e-3, 0.0, 0.25, 0.75] if operator == "Atanh" else [-8.0, -0.5, 0.0, 1e-3, 3.0])
    np.testing.assert_allclose(graph.run(graph.op(operator, x), {x: given}), FUNCTIONS[operator](given), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("operator", "function"), [("Asin", np.arcsin), ("Acos", np.arccos), ("Atan", np.arctan)])
def test_arc_of_float64_runs_in_float32_and_says_so(operator: str, function: Callable[[npt.ArrayLike], object]) -> None:
    graph = Graph()
    x = graph.input("x", (), dtype=np.float64)
    y = graph.op(operator, x)
    made = graph.run(y, {x: [-0.5, 0.25]})
    np.testing.assert_allclose(made, np.asarray(function([-0.5, 0.25])), rtol=1e-6)
    assert made.dtype == np.float64
    assert list(graph.lower(y).report.float32_nodes) == [y.removesuffix("_Output_0")]
