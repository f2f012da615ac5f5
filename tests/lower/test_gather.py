"""Rows of a tensor by number."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.errors import InvalidGraphError, UnsupportedOperatorsError
from tests.lower.graphs import SEQUENCE, Graph
from tests.lower.ragged import holds_for_any_batch

ROWS = np.arange(24.0).reshape(4, 3, 2)


def test_numbers_are_cut_off_and_rows_come_whole() -> None:
    graph = Graph()
    x = graph.input("x", (2, 2))
    numbers = np.array([[[0.9, 3.2], [1.5, 2]]])
    made = graph.run(graph.op("Gather", x, graph.constant(ROWS)), {x: numbers})
    np.testing.assert_array_equal(made, ROWS[numbers.astype(int)])


def test_number_without_axes_takes_one_row() -> None:
    graph = Graph()
    x = graph.input("x", (), ())
    np.testing.assert_array_equal(graph.run(graph.op("Gather", x, graph.parameter(ROWS)), {x: 2}), ROWS[2])


def test_rows_that_do_not_exist_are_the_nearest_that_do() -> None:
    graph = Graph()
    x = graph.input("x", (3,))
    made = graph.run(graph.op("Gather", x, graph.constant(ROWS)), {x: [[-5, 4, 1e9]]})
    np.testing.assert_array_equal(made[0], ROWS[[0, 3, 3]])


def test_padding_of_a_sequence_may_hold_any_number() -> None:
    graph = Graph()
    x = graph.input("x", (), SEQUENCE)
    holds_for_any_batch(
        graph.convert(graph.op("Gather", x, graph.constant(ROWS))),
        lambda x: ROWS[x.astype(int)],
        {"x": lambda rng, shape: rng.integers(0, 4, shape)},
    )


def test_rows_that_differ_from_sample_to_sample_are_refused() -> None:
    graph = Graph()
    y = graph.op("Gather", graph.input("x", (2,)), graph.input("rows", (4, 3)))
    with pytest.raises(UnsupportedOperatorsError, match="rows differ from sample to sample"):
        graph.lower(y)


def test_gather_from_a_scalar_is_no_graph() -> None:
    graph = Graph()
    y = graph.op("Gather", graph.input("x", (2,)), graph.constant(1.0))
    with pytest.raises(InvalidGraphError, match="scalar"):
        graph.lower(y)
