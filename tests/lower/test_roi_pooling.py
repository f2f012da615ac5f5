"""ROIPooling against CNTK's own loop: a grid over each region, the maximum of each cell, 0 outside of the image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bridge.errors import InvalidGraphError, UnsupportedOperatorsError
from bridge.graph.model import NDShape
from tests.lower.graphs import STATIC, Graph

Numbers = npt.NDArray[Any]
rng = np.random.default_rng(47)


def nearest(value: float) -> int:
    """Rounded, halves away from zero."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def pooled(image: Numbers, region: Numbers, grid: tuple[int, int], scale: float) -> Numbers:
    """One region of one image ``(C, H, W)`` -> ``(C, *grid)``."""
    x1, y1, x2, y2 = (nearest(float(value) * scale) for value in region)
    result = np.zeros((image.shape[0], *grid))
    cells = []
    for first, last, number, size in ((y1, y2, grid[0], image.shape[1]), (x1, x2, grid[1], image.shape[2])):
        step = max(last - first + 1, 1) / number
        bounds = [(first + math.floor(i * step), first + math.ceil((i + 1) * step)) for i in range(number)]
        cells.append([(start, min(max(start, 0), size), min(max(end, 0), size)) for start, end in bounds])
    for i, (row, top, bottom) in enumerate(cells[0]):
        for j, (column, left, right) in enumerate(cells[1]):
            if row >= 0 and column >= 0 and bottom > top and right > left:
                result[:, i, j] = image[:, top:bottom, left:right].max((1, 2))
    return result


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [1.0, 0.25])
@pytest.mark.parametrize("low", [0, -3])
def test_each_region_of_each_image(dtype: str, scale: float, low: int) -> None:
    graph = Graph()
    images = rng.standard_normal((2, 3, 7, 8)).astype(np.float32)
    corners = rng.integers(low, 6, (2, 4, 2))
    regions = np.concatenate([corners, corners + rng.integers(0, 9, (2, 4, 2))], 2) / scale
    x, r = graph.input("x", (3, 7, 8), dtype=dtype), graph.input("r", (4, 4), dtype=dtype)
    y = graph.op("ROIPooling", x, r, poolingType=0, roiOutputShape=NDShape((3, 2)), spatialScale=scale)
    expected = np.stack(
        [[pooled(image, each, (2, 3), scale) for each in those] for image, those in zip(images, regions, strict=True)]
    )
    np.testing.assert_array_equal(graph.run(y, {x: images, r: regions}), expected)


def test_regions_without_a_batch_axis_hold_for_every_image() -> None:
    graph = Graph()
    images = rng.standard_normal((3, 1, 5, 5)).astype(np.float32)
    region = np.array([[1, 0, 4, 3]])
    x, r = graph.input("x", (1, 5, 5)), graph.input("r", (1, 4), STATIC)
    y = graph.op("ROIPooling", x, r, poolingType=0, roiOutputShape=NDShape((2, 2)), spatialScale=1.0)
    expected = np.stack([[pooled(image, region[0], (2, 2), 1.0)] for image in images])
    np.testing.assert_array_equal(graph.run(y, {x: images, r: region}), expected)


def test_old_files_without_a_scale_mean_a_sixteenth() -> None:
    graph = Graph()
    image, region = rng.standard_normal((1, 4, 4)).astype(np.float32), np.array([16, 16, 48, 32])
    x, r = graph.input("x", (1, 4, 4)), graph.input("r", (1, 4))
    y = graph.op("ROIPooling", x, r, roiOutputShape=NDShape((1, 1)))
    assert graph.run(y, {x: image[None], r: region[None, None]}).item() == image[0, 1:3, 1:4].max()


def test_averages_are_refused() -> None:
    graph = Graph()
    x, r = graph.input("x", (1, 4, 4)), graph.input("r", (1, 4))
    y = graph.op("ROIPooling", x, r, poolingType=1, roiOutputShape=NDShape((1, 1)))
    with pytest.raises(UnsupportedOperatorsError, match="average over regions"):
        graph.lower(y)


def test_a_grid_larger_than_the_image_is_refused() -> None:
    graph = Graph()
    x, r = graph.input("x", (1, 4, 4)), graph.input("r", (1, 4))
    y = graph.op("ROIPooling", x, r, poolingType=0, roiOutputShape=NDShape((5, 1)))
    with pytest.raises(InvalidGraphError, match="grid of 1 by 5 cells"):
        graph.lower(y)


def test_regions_of_another_shape_are_refused() -> None:
    graph = Graph()
    x, r = graph.input("x", (1, 4, 4)), graph.input("r", (1, 5))
    y = graph.op("ROIPooling", x, r, poolingType=0, roiOutputShape=NDShape((1, 1)))
    with pytest.raises(InvalidGraphError, match=r"regions \(R, 4\)"):
        graph.lower(y)
