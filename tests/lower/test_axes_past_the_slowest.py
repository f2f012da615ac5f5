"""Axes that CNTK counts as dimensions of 1 though the operand does not have them; measured with CNTK 2.7."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.errors import InvalidGraphError
from tests.lower.graphs import BATCH, SEQUENCE, Graph, static_axis


def test_swap_with_the_axis_past_the_slowest_adds_it() -> None:
    graph = Graph()
    y = graph.op("TransposeAxes", graph.input("x", (2, 3), BATCH), axis1=static_axis(1), axis2=static_axis(2))
    x = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    np.testing.assert_array_equal(graph.run(y, {"x": x}), x[:, :, None, :])


def test_axis_far_past_the_slowest_is_refused() -> None:
    graph = Graph()
    y = graph.op("TransposeAxes", graph.input("x", (2, 3), BATCH), axis1=static_axis(0), axis2=static_axis(1_000_000_000))
    with pytest.raises(InvalidGraphError, match="axis 1000000000"):
        graph.lower(y)


def test_vectors_are_joined_along_an_axis_two_past_their_own() -> None:
    """As CNTK's attention over a window of steps lays its keys out: ``(span, 1, width)``."""
    graph = Graph()
    x = graph.input("x", (2,), BATCH)
    y = graph.op("Splice", x, graph.constant(np.array([7.0, 8.0])), graph.op("Negate", x), axis=static_axis(2))
    made = graph.run(y, {"x": [[1, 2], [3, 4]]})
    np.testing.assert_array_equal(made, [[[[1, 2]], [[7, 8]], [[-1, -2]]], [[[3, 4]], [[7, 8]], [[-3, -4]]]])


def test_joint_far_past_the_slowest_axis_is_refused() -> None:
    graph = Graph()
    x = graph.input("x", (2, 3), BATCH)
    with pytest.raises(InvalidGraphError, match="axis 1000000000"):
        graph.lower(graph.op("Splice", x, x, axis=static_axis(1_000_000_000)))


def test_product_over_the_sequence_axis_keeps_further_axes_of_one() -> None:
    graph = Graph()
    x, weights = graph.input("x", (2,), SEQUENCE), graph.input("weights", (1, 1), SEQUENCE)
    y = graph.op("Times", x, weights, outputRank=1, inferInputRankToMap=-2)
    feeds = {"x": [[[1, 2], [3, 4]], [[5, 6], [9, 9]]], "weights": [[[[1]], [[10]]], [[[2]], [[9]]]]}
    made = graph.convert(y).run(feeds, [2, 1])[y]
    np.testing.assert_array_equal(made, [[[[31, 42]]], [[[10, 12]]]])
