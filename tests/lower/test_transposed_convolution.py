"""Transposed convolution is the adjoint of the convolution that leads back: both sides of ``<conv(y), x> = <y, convT(x)>``."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bridge.errors import InvalidGraphError
from bridge.graph.model import FREE, NDShape
from tests.lower.graphs import Graph
from tests.lower.window_reference import auto_padding, convolve

Numbers = npt.NDArray[Any]
rng = np.random.default_rng(45)


def transposed(graph: Graph, weights: Numbers, data: str, **attributes: Any) -> str:
    return graph.op("Convolution", graph.parameter(weights), data, transpose=True, **attributes)


def check_adjoint(result: Numbers, data: Numbers, weights: Numbers, strides: tuple[int, ...], lower: list[int]) -> None:
    """Random tests of the identity, each of which fails unless ``result`` is the adjoint applied to ``data``."""
    for _ in range(5):
        probe = rng.standard_normal(result.shape)
        back = convolve(probe, weights, strides, lower, data.shape[1:])
        np.testing.assert_allclose((back * data).sum(), (probe * result).sum(), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("size", "kernel", "strides", "stated"),
    [
        ((5,), (3,), (2,), None),
        ((4, 5), (2, 3), (2, 1), None),
        ((4, 5), (3, 4), (2, 3), (8, 14)),
        ((3, 3), (1, 1), (3, 4), (9, 11)),  # nothing but what one cell spreads to: padding is negative
        ((2, 3, 2), (3, 2, 2), (1, 2, 2), None),
    ],
)
def test_automatic_padding(
    size: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, ...], stated: tuple[int, ...] | None
) -> None:
    graph = Graph()
    data, weights = rng.standard_normal((3, *size)), rng.standard_normal((3, 2, *kernel)).astype(np.float32)
    x = graph.input("x", (3, *size))
    shape = NDShape((0,)) if stated is None else NDShape((*reversed(stated), 2))
    y = transposed(
        graph, weights, x, strides=NDShape((*reversed(strides), 1)), autoPadding=(*[True] * len(size), False), outputShape=shape
    )
    result = graph.run(y, {x: data[None]})[0]
    expected = stated or tuple((n - 1) * s + 1 for n, s in zip(size, strides, strict=True))
    assert result.shape == (2, *expected)
    lower = [auto_padding(n, k, s)[0] for n, k, s in zip(expected, kernel, strides, strict=True)]
    check_adjoint(result, data, weights, strides, lower)


@pytest.mark.parametrize(("stated", "expected"), [(None, (7, 9)), ((8, 10), (8, 10))])
def test_explicit_padding(stated: tuple[int, int] | None, expected: tuple[int, int]) -> None:
    graph = Graph()
    data, weights = rng.standard_normal((2, 4, 5)), rng.standard_normal((2, 3, 3, 3)).astype(np.float32)
    x = graph.input("x", (2, 4, 5))
    y = transposed(
        graph,
        weights,
        x,
        strides=NDShape((2, 2, 1)),
        autoPadding=(False,),
        lowerPad=NDShape((1, 1, 0)),
        upperPad=NDShape((1, 1, 0)),
        outputShape=NDShape((0,)) if stated is None else NDShape((*reversed(stated), 3)),
    )
    result = graph.run(y, {x: data[None]})[0]
    assert result.shape == (3, *expected)
    check_adjoint(result, data, weights, (2, 2), [1, 1])


@pytest.mark.parametrize("auto", [True, False])
def test_free_sizes(auto: bool) -> None:
    graph = Graph()
    data, weights = rng.standard_normal((2, 4, 6)), rng.standard_normal((2, 1, 4, 3)).astype(np.float32)
    x = graph.input("x", (2, FREE, FREE))
    y = transposed(graph, weights, x, strides=NDShape((3, 2, 1)), autoPadding=(auto, auto, False))
    result = graph.run(y, {x: data[None]})[0]
    assert result.shape == ((1, 7, 16) if auto else (1, 10, 18))
    check_adjoint(result, data, weights, (2, 3), [1, 1] if auto else [0, 0])


def test_weights_for_one_channel_may_leave_it_out() -> None:
    graph = Graph()
    data, weights = rng.standard_normal((1, 4)), rng.standard_normal((2, 3)).astype(np.float32)
    x = graph.input("x", (1, 4))
    y = transposed(graph, weights, x, strides=NDShape((1,)), autoPadding=(False,))
    result = graph.run(y, {x: data[None]})[0]
    assert result.shape == (2, 6)
    check_adjoint(result, data, weights[None], (1,), [0])


def test_a_stated_shape_that_does_not_convolve_back_is_refused() -> None:
    graph = Graph()
    x = graph.input("x", (1, 4))
    y = transposed(
        graph, np.ones((1, 1, 3), np.float32), x, strides=NDShape((2, 1)), autoPadding=(True, False), outputShape=NDShape((12, 1))
    )
    with pytest.raises(InvalidGraphError, match="12 cells along an axis, which convolve into 6, not 4"):
        graph.lower(y)
