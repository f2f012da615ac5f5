"""Class numbers as vectors, and the identity matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bridge.errors import InvalidGraphError
from bridge.graph.model import Axis
from tests.lower.graphs import SEQUENCE, STATIC, Graph, static_axis
from tests.lower.ragged import holds_for_any_batch


def test_fractions_are_cut_off_and_classes_that_do_not_exist_give_zeros() -> None:
    graph = Graph()
    x = graph.input("x", (6,))
    made = graph.run(graph.op("OneHot", x, numClass=2), {x: [[0, 1.9, 2, -1, -0.5, 1e9]]})
    assert made[0].tolist() == [[1, 0], [0, 1], [0, 0], [0, 0], [0, 0], [0, 0]]


@pytest.mark.parametrize(("column", "row"), [(0, 2), (1, 1), (2, 0), (-1, 0)])
def test_class_axis_stands_where_the_attribute_says(column: int, row: int) -> None:
    graph = Graph()
    x = graph.input("x", (2, 4))
    numbers = np.arange(8).reshape(1, 2, 4) % 3
    made = graph.run(graph.op("OneHot", x, numClass=3, onehotAxis=static_axis(column)), {x: numbers})
    np.testing.assert_array_equal(made[0], np.moveaxis(np.eye(3)[numbers[0]], -1, row))


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_result_has_the_type_of_the_operand(dtype: str) -> None:
    graph = Graph()
    x = graph.input("x", (), dtype=dtype)
    made = graph.run(graph.op("OneHot", x, numClass=2), {x: [1]})
    assert made.tolist() == [[0, 1]]
    assert made.dtype == dtype


def test_one_hot_of_a_sequence() -> None:
    graph = Graph()
    x = graph.input("x", (), SEQUENCE)
    holds_for_any_batch(
        graph.convert(graph.op("OneHot", x, numClass=3)),
        lambda x: np.eye(3)[x.astype(int)],
        {"x": lambda rng, shape: rng.integers(0, 3, shape)},
    )


def embedding(graph: Graph, x: str, table: npt.NDArray[Any], classes: int = 3) -> str:
    vectors = graph.op("OneHot", x, numClass=classes, oneHotOutputSparse=True)
    return graph.op("Times", graph.parameter(table), vectors, outputRank=table.ndim - 1)


@pytest.mark.parametrize("shape", [(3, 4), (3, 2, 2), (3, 1)])
def test_product_with_a_table_takes_rows_and_zeros_for_classes_that_do_not_exist(shape: tuple[int, ...]) -> None:
    graph = Graph()
    x = graph.input("x", (2, 2))
    table = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    y = embedding(graph, x, table)
    assert "MatMul" not in graph.operators(y)
    made = graph.run(y, {x: [[[0, 2.9], [-1, 3]]]})
    np.testing.assert_array_equal(made[0], [[table[0], table[2]], [np.zeros(shape[1:])] * 2])


def test_rows_for_a_sequence() -> None:
    graph = Graph()
    x = graph.input("x", (), SEQUENCE)
    table = np.random.default_rng(2).standard_normal((5, 4))
    holds_for_any_batch(
        graph.convert(embedding(graph, x, table, 5)),
        lambda x: table[x.astype(int)],
        {"x": lambda rng, shape: rng.integers(0, 5, shape)},
    )


def test_class_axis_in_front_is_a_product_like_any_other() -> None:
    graph = Graph()
    x = graph.input("x", (2,))
    vectors = graph.op("OneHot", x, numClass=3, onehotAxis=static_axis(-1))
    table = np.random.default_rng(3).standard_normal((2, 4)).astype(np.float32)
    made = graph.run(graph.op("Times", graph.parameter(table), vectors, outputRank=1), {x: [[0, 2]]})
    np.testing.assert_allclose(made[0], np.eye(3)[[0, 2]].T @ table, rtol=1e-5)


def test_eye_like_of_a_matrix_is_the_identity() -> None:
    graph = Graph()
    x = graph.input("x", (2, 3), STATIC)
    assert graph.run(graph.op("EyeLikeOp", x), {x: np.full((2, 3), 7)}).tolist() == [[1, 0, 0], [0, 1, 0]]


def test_eye_like_counts_the_batch_as_rows() -> None:
    graph = Graph()
    x = graph.input("x", (2,))
    assert graph.run(graph.op("EyeLikeOp", x), {x: np.zeros((3, 2))}).tolist() == [[1, 0], [0, 1], [0, 0]]


@pytest.mark.parametrize(("shape", "axes"), [((2, 3, 4), STATIC), ((), SEQUENCE)])
def test_eye_like_of_anything_but_a_matrix_is_no_graph(shape: tuple[int, ...], axes: tuple[Axis, ...]) -> None:
    graph = Graph()
    y = graph.op("EyeLikeOp", graph.input("x", shape, axes))
    with pytest.raises(InvalidGraphError, match="EyeLike"):
        graph.lower(y)
