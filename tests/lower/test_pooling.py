"""Pooling against its definition: padding, overhanging and empty windows, any number of axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bridge.errors import InvalidGraphError, UnsupportedOperatorsError
from bridge.graph.model import FREE, UNKNOWN_SHAPE, AttributeValue, NDShape
from tests.lower.graphs import SEQUENCE, STATIC, Graph
from tests.lower.window_reference import auto_padding, pool

Numbers = npt.NDArray[Any]
rng = np.random.default_rng(17)

KINDS = {"max": (0, False), "mean": (1, False), "padded mean": (1, True)}


def pooling(graph: Graph, data: str, kind: str, window: tuple[int, ...], strides: tuple[int, ...], **more: AttributeValue) -> str:
    """A Pooling whose window and strides are given row-major."""
    pooling_type, included = KINDS[kind]
    attributes: dict[str, Any] = {
        "poolingType": pooling_type,
        "includePad": included,
        "poolingWindowShape": NDShape(reversed(window)),
        "strides": NDShape(reversed(strides)),
        "autoPadding": (False,),
        "lowerPad": NDShape((0,)),
        "upperPad": NDShape((0,)),
        "ceilOutDim": False,
    }
    return graph.op("Pooling", data, **{**attributes, **more})


def automatic(data: Numbers, kind: str, window: tuple[int, ...], strides: tuple[int, ...]) -> Numbers:
    """Automatic padding of all axes but the first, by its definition."""
    found = [auto_padding(n, k, s) for n, k, s in zip(data.shape[1:], window, strides, strict=True)]
    return np.stack([pool(c, window, strides, [low for low, _ in found], [count for _, count in found], kind) for c in data])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("size", "window", "strides"),
    [
        ((7,), (3,), (2,)),
        ((8,), (4,), (3,)),
        ((6, 5), (2, 3), (1, 2)),
        ((6, 9), (1, 2), (3, 4)),  # the border is skipped
        ((5, 4, 6), (2, 3, 2), (2, 1, 3)),
    ],
)
def test_automatic_padding(kind: str, size: tuple[int, ...], window: tuple[int, ...], strides: tuple[int, ...]) -> None:
    graph = Graph()
    data = rng.standard_normal((2, 3, *size)) - 3  # padding would win a maximum
    x = graph.input("x", (3, *size))
    y = pooling(graph, x, kind, window, strides, autoPadding=(True,) * len(size))
    expected = np.stack([automatic(sample, kind, window, strides) for sample in data])
    np.testing.assert_allclose(graph.run(y, {x: data}), expected, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("size", "window", "stride", "count"),
    [
        (8, 3, 2, 4),  # the last window hangs over
        (7, 1, 3, 3),
        (8, 1, 3, 4),  # the last window lies wholly beyond the data
        (9, 2, 4, 3),
        (9, 2, 5, 3),
    ],
)
def test_the_ceiling_keeps_windows_that_hang_over(kind: str, size: int, window: int, stride: int, count: int) -> None:
    graph = Graph()
    data = rng.standard_normal((2, size)) - 3
    x = graph.input("x", (2, size))
    y = pooling(graph, x, kind, (window,), (stride,), ceilOutDim=True)
    expected = np.stack([pool(channel, (window,), (stride,), (0,), (count,), kind) for channel in data])
    np.testing.assert_allclose(graph.run(y, {x: data[None]})[0], expected, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_windows_wholly_in_explicit_padding_hold_nothing(kind: str) -> None:
    graph = Graph()
    data = rng.standard_normal((1, 4))
    x = graph.input("x", (1, 4))
    y = pooling(graph, x, kind, (2,), (2,), lowerPad=NDShape((4,)), upperPad=NDShape((2,)))
    expected = pool(data[0], (2,), (2,), (4,), (5,), kind)
    np.testing.assert_allclose(graph.run(y, {x: data[None]})[0, 0], expected, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(6, 5), (7, 8), (4, 9)])
@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
def test_free_sizes_bind_at_run_time(kind: str, size: tuple[int, int], strides: tuple[int, int]) -> None:
    graph = Graph()
    data = rng.standard_normal((2, *size)) - 3
    x = graph.input("x", (2, FREE, FREE))
    y = pooling(graph, x, kind, (2, 3), strides, autoPadding=(True, True))
    np.testing.assert_allclose(graph.run(y, {x: data[None]})[0], automatic(data, kind, (2, 3), strides), rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [7, 8, 9])
def test_free_sizes_with_a_ceiling(kind: str, size: int) -> None:
    graph = Graph()
    data = rng.standard_normal((1, size)) - 3
    x = graph.input("x", (1, FREE))
    y = pooling(graph, x, kind, (1,), (3,), ceilOutDim=True)
    expected = pool(data[0], (1,), (3,), (0,), (-(-(size - 1) // 3) + 1,), kind)
    np.testing.assert_allclose(graph.run(y, {x: data[None]})[0, 0], expected, rtol=1e-5)


def test_a_window_as_long_as_the_rank_pools_channels() -> None:
    graph = Graph()
    data = rng.standard_normal((4, 6, 5))
    x = graph.input("x", (4, 6, 5))
    y = pooling(graph, x, "mean", (2, 3, 1), (2, 1, 2))
    expected = pool(data, (2, 3, 1), (2, 1, 2), (0, 0, 0), (2, 4, 3), "mean")
    np.testing.assert_allclose(graph.run(y, {x: data[None]})[0], expected, rtol=1e-5)


@pytest.mark.parametrize("axes", [STATIC, SEQUENCE])
def test_data_without_channels_in_any_dynamic_axes(axes: Any) -> None:
    graph = Graph()
    data = rng.standard_normal((*[2] * len(axes), 6))
    x = graph.input("x", (6,), axes)
    y = pooling(graph, x, "max", (3,), (2,))
    expected = np.stack([pool(row, (3,), (2,), (0,), (2,), "max") for row in data.reshape(-1, 6)]).reshape(*data.shape[:-1], 2)
    np.testing.assert_allclose(graph.run(y, {x: data}), expected, rtol=1e-5)


def test_still_axes_in_front_of_many_are_pooled_as_channels() -> None:
    graph = Graph()
    data = rng.standard_normal((2, 3, 4, 5, 4))
    x = graph.input("x", (2, 3, 4, 5, 4))
    y = pooling(graph, x, "max", (1, 2, 2, 2), (1, 2, 2, 2))
    expected = np.stack([[pool(cube, (2, 2, 2), (2, 2, 2), (0, 0, 0), (2, 2, 2), "max") for cube in part] for part in data])
    np.testing.assert_allclose(graph.run(y, {x: data[None]})[0], expected, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_windows_of_a_single_cell_over_many_axes_change_nothing(kind: str) -> None:
    graph = Graph()
    data = rng.standard_normal((1, 1, 2, 3, 2)).astype(np.float32)
    x = graph.input("x", (1, 1, 2, 3, 2))
    np.testing.assert_array_equal(graph.run(pooling(graph, x, kind, (1, 1, 1), (1, 1, 1)), {x: data[None]})[0], data)


def test_more_moving_axes_than_the_runtime_knows_are_refused() -> None:
    graph = Graph()
    x = graph.input("x", (2, 4, 4, 4, 4))
    y = pooling(graph, x, "max", (2, 2, 2, 2), (1, 1, 1, 1))
    with pytest.raises(UnsupportedOperatorsError, match="pooling over 4 axes"):
        graph.lower(y)


@pytest.mark.parametrize(("kind", "operator"), [("max", "GlobalMaxPool"), ("mean", "GlobalAveragePool")])
@pytest.mark.parametrize("shape", [(3, 4, 5), (3, FREE, FREE)])
def test_a_window_over_everything_is_global(kind: str, operator: str, shape: tuple[int, ...]) -> None:
    graph = Graph()
    data = rng.standard_normal((3, 4, 5))
    x = graph.input("x", shape)
    y = pooling(graph, x, kind, (1,), (1,), poolingWindowShape=UNKNOWN_SHAPE)
    reduced = data.max((1, 2), keepdims=True) if kind == "max" else data.mean((1, 2), keepdims=True)
    np.testing.assert_allclose(graph.run(y, {x: data[None]})[0], reduced, rtol=1e-5)
    assert operator in graph.operators(y)


@pytest.mark.parametrize("kind", ["max", "mean"])
def test_global_pooling_of_float64_stays_float64(kind: str) -> None:
    graph = Graph()
    data = rng.standard_normal((3, 4, 5))
    x = graph.input("x", (3, 4, 5), dtype=np.float64)
    y = pooling(graph, x, kind, (4, 5), (1, 1))
    reduced = data.max((1, 2), keepdims=True) if kind == "max" else data.mean((1, 2), keepdims=True)
    np.testing.assert_allclose(graph.run(y, {x: data[None]})[0], reduced, rtol=1e-14)
    assert not graph.lower(y).report.float32_nodes


def test_the_maximum_of_float64_stays_float64() -> None:
    graph = Graph()
    data = rng.standard_normal((1, 6))
    x = graph.input("x", (1, 6), dtype=np.float64)
    y = pooling(graph, x, "max", (2,), (2,))
    np.testing.assert_array_equal(graph.run(y, {x: data[None]})[0, 0], pool(data[0], (2,), (2,), (0,), (3,), "max"))


def test_pooling_of_a_scalar_is_refused() -> None:
    graph = Graph()
    x = graph.input("x", ())
    with pytest.raises(InvalidGraphError, match="pooling of a scalar"):
        graph.lower(pooling(graph, x, "max", (1,), (1,)))
