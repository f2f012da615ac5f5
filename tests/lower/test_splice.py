"""Splice: what it costs, and a model whose block reads an outer input without naming it."""

from __future__ import annotations

import numpy as np

from tests.lower.graphs import Graph, static_axis


def test_a_splice_of_thousands_expands_to_one_shape_made_once() -> None:
    graph = Graph()
    x = graph.input("x", (2, 3))
    rows = [graph.constant(np.full(3, float(k))) for k in range(300)]
    y = graph.op("Splice", x, *rows, axis=static_axis(0))
    converted = graph.convert(y)
    assert converted.operators.count("Shape") == 1
    made = converted.run({"x": np.ones((4, 2, 3), np.float32)})[y]
    assert made.shape == (4, 2, 903)
    np.testing.assert_array_equal(made[3, 1, 3:], np.repeat(np.arange(300), 3))


def test_an_input_that_only_the_inside_of_a_block_reads_is_an_input_of_the_model() -> None:
    graph = Graph()
    x = graph.input("x", (3,))
    inner = graph.block("outer", graph.block("inner", graph.op("Plus", x, x), {}), {})
    np.testing.assert_array_equal(graph.run(inner, {x: [[1, 2, 3]]}), [[2, 4, 6]])
