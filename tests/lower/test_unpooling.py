"""Unpooling: values go back to the first maximum of their window, the later window winning."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bridge.errors import InvalidGraphError, UnsupportedOperatorsError
from bridge.graph.model import FREE, NDShape
from tests.lower.graphs import SEQUENCE, Graph
from tests.lower.window_reference import auto_padding, cells, windows

Numbers = npt.NDArray[Any]
rng = np.random.default_rng(58)


def unpooling(graph: Graph, pooled: str, original: str, window: tuple[int, ...], strides: tuple[int, ...], kind: int = 0) -> str:
    return graph.op(
        "Unpooling",
        pooled,
        original,
        poolingType=kind,
        unpoolingWindowShape=NDShape(reversed(window)),
        strides=NDShape(reversed(strides)),
        autoPadding=(True,) * len(window),
        lowerPad=NDShape((0,)),
        upperPad=NDShape((0,)),
    )


def unpool(pooled: Numbers, original: Numbers, window: tuple[int, ...], strides: tuple[int, ...]) -> Numbers:
    """By the definition, for one channel."""
    result = np.zeros(original.shape)
    lower = [auto_padding(n, k, s)[0] for n, k, s in zip(original.shape, window, strides, strict=True)]
    for position in windows(pooled.shape):
        places = [place for _, place in cells(position, original.shape, window, strides, lower)]
        first = max(places, key=lambda place: original[place])  # the first of equal ones
        result[first] = pooled[position]
    return result


def counts(size: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(-(-n // s) for n, s in zip(size, strides, strict=True))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("size", "window", "strides"),
    [
        ((6,), (2,), (2,)),
        ((5, 6), (3, 2), (1, 2)),  # windows overlap
        ((6, 7), (1, 2), (3, 3)),  # the border is skipped
        ((4, 5, 3), (2, 2, 2), (2, 3, 1)),
    ],
)
def test_unpooling(size: tuple[int, ...], window: tuple[int, ...], strides: tuple[int, ...], dtype: str) -> None:
    graph = Graph()
    original = rng.integers(0, 4, (2, *size)).astype(float)  # with equal maxima
    pooled = rng.standard_normal((2, *counts(size, strides)))
    p, x = graph.input("p", pooled.shape, dtype=dtype), graph.input("x", original.shape, dtype=dtype)
    result = graph.run(unpooling(graph, p, x, window, strides), {p: pooled[None], x: original[None]})[0]
    expected = np.stack([unpool(*pair, window, strides) for pair in zip(pooled, original, strict=True)])
    np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_samples_do_not_mix() -> None:
    graph = Graph()
    original, pooled = rng.standard_normal((2, 3, 1, 4)), rng.standard_normal((2, 3, 1, 2))
    p, x = graph.input("p", (1, 2), SEQUENCE), graph.input("x", (1, 4), SEQUENCE)
    result = graph.run(unpooling(graph, p, x, (2,), (2,)), {p: pooled, x: original})
    expected = [[unpool(pooled[n, t, 0], original[n, t, 0], (2,), (2,)) for t in range(3)] for n in range(2)]
    np.testing.assert_allclose(result[:, :, 0], np.array(expected), rtol=1e-6)


@pytest.mark.parametrize("size", [5, 6, 7])
def test_free_sizes_bind_at_run_time(size: int) -> None:
    graph = Graph()
    original, pooled = rng.standard_normal((1, size)), rng.standard_normal((1, -(-size // 3)))
    p, x = graph.input("p", (1, FREE)), graph.input("x", (1, FREE))
    result = graph.run(unpooling(graph, p, x, (2,), (3,)), {p: pooled[None], x: original[None]})
    np.testing.assert_allclose(result[0, 0], unpool(pooled[0], original[0], (2,), (3,)), rtol=1e-6)


def test_a_pooled_operand_of_another_size_is_refused() -> None:
    graph = Graph()
    p, x = graph.input("p", (1, 3)), graph.input("x", (1, 4))
    with pytest.raises(InvalidGraphError, match=r"yields \[1, 2\]"):
        graph.lower(unpooling(graph, p, x, (2,), (2,)))


def test_unpooling_of_averages_is_refused() -> None:
    graph = Graph()
    p, x = graph.input("p", (1, 2)), graph.input("x", (1, 4))
    with pytest.raises(UnsupportedOperatorsError, match="averages"):
        graph.lower(unpooling(graph, p, x, (2,), (2,), kind=1))


def test_windows_of_a_single_cell_over_many_axes_put_every_value_where_it_was() -> None:
    graph = Graph()
    shape = (1, 1, 2, 3, 2)
    pooled, original = graph.input("pooled", shape), graph.input("original", shape)
    values = rng.standard_normal((2, *shape)).astype(np.float32)
    made = graph.run(unpooling(graph, pooled, original, (1, 1), (1, 1)), {"pooled": values, "original": values + 1})
    np.testing.assert_array_equal(made, values)
