"""Biases and batch normalisation folded into the convolution before them."""

from __future__ import annotations

from typing import Any

import numpy as np

from bridge.lower import LoweringOptions
from tests.lower.graphs import Graph

RNG = np.random.default_rng(0)
KERNEL = RNG.standard_normal((3, 2, 3, 3))
IMAGES = RNG.standard_normal((2, 2, 5, 5)).astype(np.float32)
GEOMETRY: dict[str, Any] = {
    "strides": (1, 1, 2),
    "autoPadding": (True, True, False),
    "lowerPad": (0, 0, 0),
    "upperPad": (0, 0, 0),
}


def convolved(graph: Graph) -> str:
    return graph.op("Convolution", graph.parameter(KERNEL), graph.input("x", (2, 5, 5)), **GEOMETRY)


def normalised(graph: Graph, x: str, variance: float = 2.0) -> str:
    scale, bias, mean = (graph.parameter(RNG.standard_normal(3)) for _ in range(3))
    count = graph.constant(0.0)
    return graph.op(
        "BatchNormalization", x, scale, bias, mean, graph.parameter(np.full(3, variance)), count, spatial=True, epsilon=1e-5
    )


def agree(graph: Graph, y: str) -> list[str]:
    """Run with and without folding, expect the same numbers, and give the operators of the folded form."""
    folded = graph.convert(y)
    plain = graph.convert(y, options=LoweringOptions(fold=False))
    np.testing.assert_allclose(folded.run({"x": IMAGES})[y], plain.run({"x": IMAGES})[y], rtol=1e-4, atol=1e-5)
    return folded.operators


def test_a_bias_per_channel_becomes_the_convolutions_own() -> None:
    graph = Graph()
    y = graph.op("Plus", convolved(graph), graph.parameter(RNG.standard_normal((3, 1, 1))))
    assert agree(graph, y) == ["Conv"]


def test_bias_and_normalisation_are_folded_together() -> None:
    graph = Graph()
    y = normalised(graph, graph.op("Plus", graph.parameter(RNG.standard_normal((3, 1, 1))), convolved(graph)))
    assert agree(graph, y) == ["Conv"]


def test_a_convolution_that_something_else_reads_is_left_alone() -> None:
    graph = Graph()
    x = convolved(graph)
    y = graph.op("Plus", normalised(graph, x), x)
    assert "BatchNormalization" in agree(graph, y)


def test_a_bias_per_position_is_no_bias_of_a_convolution() -> None:
    graph = Graph()
    y = graph.op("Plus", convolved(graph), graph.parameter(RNG.standard_normal((3, 5, 5))))
    assert agree(graph, y) == ["Conv", "Add"]


def test_statistics_that_are_not_finite_are_not_folded() -> None:
    graph = Graph()
    y = normalised(graph, convolved(graph), variance=-1.0)
    assert "BatchNormalization" in graph.convert(y).operators
