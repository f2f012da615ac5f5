"""The greatest elements along the last axis."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.errors import InvalidGraphError
from tests.lower.graphs import Graph


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_values_descend_and_places_are_numbers_of_the_same_type(dtype: str) -> None:
    graph = Graph()
    x = graph.input("x", (2, 4), dtype=dtype)
    values = graph.op("TopK", x, outputs=2, numItems=3)
    places = values.replace("_0", "_1")
    given = np.array([[[1, 4, 2, 3], [-1, -4, -2, -3]]], dtype)
    made = graph.run_all([values, places], {x: given})
    assert made[values].tolist() == [[[4, 3, 2], [-1, -2, -3]]]
    assert made[places].tolist() == [[[1, 3, 2], [0, 2, 3]]]
    assert {value.dtype.name for value in made.values()} == {dtype}


def test_first_of_equal_maxima_is_the_top() -> None:
    graph = Graph()
    x = graph.input("x", (4,))
    values = graph.op("TopK", x, outputs=2, numItems=1)
    places = values.replace("_0", "_1")
    assert graph.run_all([places], {x: [[1, 3, 3, 2]]})[places].tolist() == [[1]]


def test_more_items_than_there_are_is_no_graph() -> None:
    graph = Graph()
    y = graph.op("TopK", graph.input("x", (2,)), outputs=2, numItems=3)
    with pytest.raises(InvalidGraphError, match="top 3"):
        graph.lower(y)
