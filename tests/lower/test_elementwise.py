"""Arithmetic with CNTK's own rules at the edges, and broadcasting under dynamic axes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bridge.errors import InvalidGraphError
from bridge.lower import LoweringOptions
from tests.lower.graphs import SEQUENCE, Graph

INF, NAN = math.inf, math.nan
EDGES: list[tuple[str, list[float], list[float]]] = [
    ("Log", [0, -1, -INF, 1e-38, 1, NAN], [-85.1, -85.1, -85.1, -85.1, 0, NAN]),
    ("Sqrt", [-1, -0.0, 4, NAN], [0, 0, 2, 0]),
    ("Reciprocal", [0, -0.0, 4, -0.5], [0, 0, 0.25, -2]),
    ("StraightThrough", [2, 0, -0.0, -3, NAN], [1, -1, -1, -1, -1]),
    ("Floor", [1.5, -1.5, -0.0], [1, -2, 0]),
]


@pytest.mark.parametrize(("operator", "given", "wanted"), EDGES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_edges_are_those_of_cntk(operator: str, given: list[float], wanted: list[float], dtype: str) -> None:
    graph = Graph()
    x = graph.input("x", (), dtype=dtype)
    np.testing.assert_allclose(graph.run(graph.op(operator, x), {x: given}), wanted, rtol=1e-6)


def test_plain_math_has_the_edges_of_onnx() -> None:
    graph = Graph()
    x = graph.input("x", ())
    y = graph.op("Log", x)
    made = graph.run_all([y], {x: [0.0]}, options=LoweringOptions(plain_math=True))
    assert made[y].tolist() == [-INF]


def test_powers_of_zero_are_zero_but_for_the_exponent_zero() -> None:
    graph = Graph()
    x, y = graph.input("x", ()), graph.input("y", ())
    made = graph.run(graph.op("Pow", x, y), {x: [0, 0, 0, 2, -2, -2, NAN], y: [-1, 0, 2, -1, 3, 0.5, 0]})
    np.testing.assert_allclose(made, [0, 1, 0, 0.5, -8, NAN, 1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_log_plus_keeps_tiny_tails(dtype: str) -> None:
    graph = Graph()
    x, y = graph.input("x", (), dtype=dtype), graph.input("y", (), dtype=dtype)
    left, right = [1000.0, 0.0, -30.0, -INF], [1000.0, -30.0, 0.0, 2.0]
    made = graph.run(graph.op("LogPlus", x, y), {x: left, y: right})
    np.testing.assert_allclose(made, np.logaddexp(left, right), rtol=1e-6, atol=1e-15)


@pytest.mark.parametrize(
    ("operator", "wanted"),
    [
        ("Equal", [0, 1, 0, 0]), ("NotEqual", [1, 0, 1, 1]), ("Less", [1, 0, 0, 0]),
        ("LessEqual", [1, 1, 0, 0]), ("Greater", [0, 0, 1, 0]), ("GreaterEqual", [0, 1, 1, 0]),
    ],
)  # fmt: skip
def test_comparisons_with_nan_hold_for_not_equal_alone(operator: str, wanted: list[float]) -> None:
    graph = Graph()
    x, y = graph.input("x", ()), graph.input("y", ())
    assert graph.run(graph.op(operator, x, y), {x: [1, 2, 3, NAN], y: [2, 2, 2, 2]}).tolist() == wanted


def test_anything_but_zero_selects_the_second_operand() -> None:
    graph = Graph()
    c, x, y = (graph.input(name, ()) for name in "cxy")
    feeds = {c: [-1, 0, -0.0, NAN, 1e-38], x: np.ones(5), y: np.zeros(5)}
    assert graph.run(graph.op("Select", c, x, y), feeds).tolist() == [1, 0, 0, 1, 1]


@pytest.mark.parametrize(("low", "high", "wanted"), [(-1, 1, [-1, 0, 1, NAN]), (1, -1, [1, 1, -1, NAN])])
def test_clip_asks_for_the_lower_bound_first(low: float, high: float, wanted: list[float]) -> None:
    graph = Graph()
    x = graph.input("x", ())
    y = graph.op("Clip", x, graph.constant(low), graph.constant(high))
    np.testing.assert_array_equal(graph.run(y, {x: [-2, 0, 2, NAN]}), wanted)


@pytest.mark.parametrize("operator", ["Pass", "NoOp", "StopGradient", "Dropout", "LabelsToGraph"])
def test_identities_are_nothing(operator: str) -> None:
    graph = Graph()
    x = graph.input("x", (2,))
    y = graph.op("Negate", graph.op(operator, x))
    assert graph.operators(y) == ["Neg"]
    assert graph.run(y, {x: [[1, 2]]}).tolist() == [[-1, -2]]


def test_static_axes_align_behind_dynamic_ones_even_where_the_batch_is_as_long() -> None:
    graph = Graph()
    x, y = graph.input("x", (3,)), graph.input("y", (2, 3))
    left, right = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(2, 2, 3)
    made = graph.run(graph.op("Plus", x, y), {x: left, y: right})
    np.testing.assert_array_equal(made, left[:, None] + right)


def test_operands_that_do_not_fit_are_no_graph() -> None:
    graph = Graph()
    z = graph.op("Plus", graph.input("x", (2,)), graph.input("y", (3,)))
    with pytest.raises(InvalidGraphError, match="do not fit"):
        graph.lower(z)


def test_float16_is_rounded_after_every_node() -> None:
    graph = Graph()
    x = graph.input("x", (), dtype=np.float16)
    large = graph.constant(1000, np.float16)
    y = graph.op("Minus", graph.op("Plus", graph.op("ElementTimes", x, graph.constant(0.37, np.float16)), large), large)
    assert graph.run(y, {x: [0.123, 1.7, 3.3]}).tolist() == [0, 0.5, 1]


def test_constant_like_has_the_shape_of_its_operand_and_no_padding() -> None:
    graph = Graph()
    x = graph.input("x", (2,), SEQUENCE)
    made = graph.run(graph.op("ConstantOp", x, fillValue=3.0), {x: np.zeros((2, 2, 2))}, [2, 1])
    assert made.tolist() == [[[3, 3], [3, 3]], [[3, 3], [0, 0]]]
