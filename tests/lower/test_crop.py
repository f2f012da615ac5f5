"""Crop: the same cells as a slice of numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bridge.errors import InvalidGraphError
from bridge.graph.model import FREE
from tests.lower.graphs import BATCH, SEQUENCE, Graph

rng = np.random.default_rng(84)


@pytest.mark.parametrize("axes", [BATCH, SEQUENCE])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_stated_offset_is_x_before_y(axes: Any, dtype: str) -> None:
    graph = Graph()
    dynamic = [2] * len(axes)
    data, size = rng.standard_normal((*dynamic, 3, 6, 7)), np.zeros((*dynamic, 1, 2, 4))
    x, reference = graph.input("x", (3, 6, 7), axes, dtype), graph.input("reference", (1, 2, 4), axes, dtype)
    y = graph.op("Crop", x, reference, offset=(1, 3))
    expected = data.astype(dtype)[..., 3:5, 1:5]
    np.testing.assert_array_equal(graph.run(y, {x: data, reference: size}), expected)


@pytest.mark.parametrize("height", [2, 3])
def test_a_reference_of_free_size(height: int) -> None:
    graph = Graph()
    data, size = rng.standard_normal((1, 2, 6, 7)), np.zeros((1, 1, height, 4))
    x, reference = graph.input("x", (2, FREE, 7)), graph.input("reference", (1, FREE, FREE))
    y = graph.op("Crop", x, reference, offset=(0, 2))
    np.testing.assert_array_equal(graph.run(y, {x: data, reference: size}), data.astype(np.float32)[..., 2 : 2 + height, :4])


def test_an_offset_that_is_not_stated_is_found_in_the_graph() -> None:
    graph = Graph()
    data = rng.standard_normal((1, 1, 6, 7)).astype(np.float32)
    x = graph.input("x", (1, 6, 7))
    weights = graph.parameter(np.ones((1, 1, 3, 3)))
    y = graph.op("Crop", x, graph.op("Convolution", weights, x, autoPadding=(False,)))
    np.testing.assert_array_equal(graph.run(y, {x: data}), data[..., 1:5, 1:6])


def test_a_crop_beyond_the_border_is_refused() -> None:
    graph = Graph()
    x, reference = graph.input("x", (1, 6, 7)), graph.input("reference", (1, 2, 4))
    with pytest.raises(InvalidGraphError, match="crop to 4 cells from 4 on, of 7 cells"):
        graph.lower(graph.op("Crop", x, reference, offset=(4, 0)))


def test_a_crop_without_height_is_refused() -> None:
    graph = Graph()
    x, reference = graph.input("x", (7,)), graph.input("reference", (4,))
    with pytest.raises(InvalidGraphError, match="a height and a width"):
        graph.lower(graph.op("Crop", x, reference, offset=(0, 0)))
