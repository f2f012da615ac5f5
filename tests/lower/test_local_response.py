"""LocalResponseNormalization has no operator: its block dissolves, and computes what it says."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.graph.model import NDShape
from tests.lower.graphs import Graph

rng = np.random.default_rng(11)


@pytest.mark.parametrize("radius", [1, 2])
def test_each_channel_is_divided_by_its_neighbours(radius: int) -> None:
    graph = Graph()
    bias, alpha, beta, size = 1.5, 0.3, 0.75, 2 * radius + 1
    data = rng.standard_normal((2, 6, 3, 4))
    x, inner = graph.input("x", (6, 3, 4)), graph.placeholder("inner")
    # As CNTK saves it: a convolution of the squares along the channels, which become a spatial axis.
    squares = graph.op("Reshape", graph.op("ElementTimes", inner, inner), newShape=NDShape((4, 3, 6, 1)))
    weights = graph.constant(np.full((1, size, 1, 1), alpha / size))
    summed = graph.op("Convolution", weights, squares, strides=NDShape((1,)), autoPadding=(True,) * 4)
    level = graph.op("Reshape", summed, newShape=NDShape((4, 3, 6)))
    logarithm = graph.op("Log", graph.op("Plus", graph.constant(bias), level))
    power = graph.op("Exp", graph.op("ElementTimes", graph.constant(beta), logarithm))
    root = graph.op("ElementTimes", inner, graph.op("Reciprocal", power))
    y = graph.block("LocalResponseNormalization", root, {inner: x}, depthRadius=radius, bias=bias, alpha=alpha, beta=beta)
    near = np.abs(np.subtract.outer(np.arange(6), np.arange(6))) <= radius
    energy = np.einsum("cd,ndhw->nchw", near, data**2)
    np.testing.assert_allclose(graph.run(y, {x: data}), data / (bias + alpha / size * energy) ** beta, rtol=1e-5)
