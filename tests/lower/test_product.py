"""Times and TransposeTimes: semantics reference, section 3."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import UnsupportedOperatorsError
from bridge.graph.model import FREE
from tests.lower.graphs import BATCH, SEQUENCE, STATIC, Array, Graph
from tests.lower.ragged import holds_for_any_batch

AXES = {"none": STATIC, "batch": BATCH, "sequence": SEQUENCE}
LEADING = {"none": (), "batch": (2,), "sequence": (2, 3)}
PAIRS = [*((axes, axes) for axes in AXES), ("none", "batch"), ("batch", "none"), ("none", "sequence")]
"""Dynamic axes of two operands: equal, or none on one side."""


def times(graph: Graph, weight: str, data: str, output_rank: int = 1, operator: str = "Times") -> str:
    return graph.op(operator, weight, data, outputRank=output_rank, inferInputRankToMap=-1)


def contracted(x: Array, w: Array, count: int) -> Array:
    """The last ``count`` axes of ``x``, in order, against the first of ``w``: one sample."""
    return np.tensordot(x, w, (range(x.ndim - count, x.ndim), range(count)))


SHAPES = [
    ((5,), (5, 4), 1),
    ((6, 5), (5, 4), 1),
    ((6, 5), (6, 5, 4), 1),
    ((6, 5), (5, 4, 7), 2),
    ((7, 6, 5), (6, 5, 4), 1),
    ((6,), (5,), 1),
    ((6,), (4, 5), 2),
]


@pytest.mark.parametrize(("data", "weight", "output_rank"), SHAPES)
@pytest.mark.parametrize("axes", AXES)
def test_product_with_a_parameter(data: tuple[int, ...], weight: tuple[int, ...], output_rank: int, axes: str) -> None:
    rng = np.random.default_rng(0)
    w = rng.standard_normal(weight).astype(np.float32)
    x = rng.standard_normal((*LEADING[axes], *data)).astype(np.float32)
    graph = Graph()
    y = times(graph, graph.parameter(w), graph.input("x", data, AXES[axes]), output_rank)
    count = len(weight) - output_rank
    expected = [contracted(x[index], w, count) for index in np.ndindex(*LEADING[axes])]
    made = graph.run(y, {"x": x})
    np.testing.assert_allclose(made, np.reshape(expected, made.shape), rtol=1e-5, atol=1e-5)
    assert made.shape == (*LEADING[axes], *data[: len(data) - count], *weight[count:])


@pytest.mark.parametrize(("data", "weight", "output_rank"), SHAPES)
@pytest.mark.parametrize(("data_axes", "weight_axes"), PAIRS)
def test_product_of_two_inputs(
    data: tuple[int, ...], weight: tuple[int, ...], output_rank: int, data_axes: str, weight_axes: str
) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((*LEADING[data_axes], *data)).astype(np.float32)
    w = rng.standard_normal((*LEADING[weight_axes], *weight)).astype(np.float32)
    graph = Graph()
    y = times(graph, graph.input("w", weight, AXES[weight_axes]), graph.input("x", data, AXES[data_axes]), output_rank)
    made = graph.run(y, {"x": x, "w": w})
    leading = max(LEADING[data_axes], LEADING[weight_axes], key=len)
    count = len(weight) - output_rank
    for index in np.ndindex(*leading):
        own_x, own_w = (x[index] if data_axes != "none" else x), (w[index] if weight_axes != "none" else w)
        np.testing.assert_allclose(made[index], contracted(own_x, own_w, count), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("data", "weight"), [((3,), (4, 3)), ((2, 3), (4, 3)), ((3,), (3,)), ((3,), (1, 3))])
@pytest.mark.parametrize("axes", AXES)
def test_transposed_weight(data: tuple[int, ...], weight: tuple[int, ...], axes: str) -> None:
    rng = np.random.default_rng(0)
    w = rng.standard_normal(weight).astype(np.float32)
    x = rng.standard_normal((*LEADING[axes], *data)).astype(np.float32)
    graph = Graph()
    y = times(graph, graph.parameter(w), graph.input("x", data, AXES[axes]), operator="TransposeTimes")
    np.testing.assert_allclose(graph.run(y, {"x": x}), x @ np.atleast_2d(w).T, rtol=1e-5, atol=1e-5)


def test_transposed_vectors_per_sample_make_one_number_each() -> None:
    graph = Graph()
    y = times(graph, graph.input("w", (3,), BATCH), graph.input("x", (3,), BATCH), operator="TransposeTimes")
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 4, 3)).astype(np.float32)
    np.testing.assert_allclose(graph.run(y, {"x": x, "w": w}), (x * w).sum(axis=1, keepdims=True), rtol=1e-5)


def test_transposed_matrices_per_step() -> None:
    graph = Graph()
    y = times(graph, graph.input("w", (2, 3), SEQUENCE), graph.input("x", (3,), SEQUENCE), operator="TransposeTimes")
    holds_for_any_batch(graph.convert(y), lambda x, w: np.einsum("ti,toi->to", x, w))


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_free_dimensions_take_any_size(rows: int, inner: int, columns: int) -> None:
    graph = Graph()
    w = graph.input("w", (FREE, 2, FREE), BATCH)
    y = times(graph, w, graph.input("x", (FREE, FREE, 2), BATCH))
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, rows, inner, 2)).astype(np.float32)
    weight = rng.standard_normal((2, inner, 2, columns)).astype(np.float32)
    made = graph.run(y, {"x": x, "w": weight})
    np.testing.assert_allclose(made, np.einsum("nakl,nklo->nao", x, weight), rtol=1e-5, atol=1e-5)


def test_product_over_the_steps_sums_real_ones_alone() -> None:
    graph = Graph()
    weight, data = graph.input("w", (3,), SEQUENCE), graph.input("x", (1,), SEQUENCE)
    y = graph.op("Times", weight, data, outputRank=1, inferInputRankToMap=-2)
    holds_for_any_batch(graph.convert(y), lambda x, w: x.T @ w)


def test_product_over_the_steps_of_anything_else_is_refused() -> None:
    graph = Graph()
    weight, data = graph.input("w", (2, 3), SEQUENCE), graph.input("x", (2,), SEQUENCE)
    y = graph.op("Times", weight, data, outputRank=1, inferInputRankToMap=-2)
    with pytest.raises(UnsupportedOperatorsError, match=r"CNTK has it for \(1\) and \(d\) alone"):
        graph.lower(y)


def test_common_product_is_one_operator() -> None:
    graph = Graph()
    y = times(graph, graph.parameter(np.ones((3, 2))), graph.input("x", (3,), BATCH))
    assert graph.operators(y) == ["MatMul"]


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_product_in_every_type(dtype: type) -> None:
    graph = Graph()
    y = times(graph, graph.parameter(np.full((3, 2), 0.5), dtype), graph.input("x", (3,), BATCH, dtype))
    made = graph.run(y, {"x": [[1, 2, 4]]})
    assert made.dtype == dtype
    assert made.tolist() == [[3.5, 3.5]]


def test_float16_product_accumulates_wider() -> None:
    graph = Graph()
    y = times(graph, graph.parameter(np.ones((5000, 1)), np.float16), graph.input("x", (5000,), BATCH, np.float16))
    assert graph.run(y, {"x": np.full((1, 5000), 0.1)}).item() == pytest.approx(500, abs=0.2)
