"""Convolution against its definition, over every kind of padding, channel axis and dynamic axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bridge.errors import InvalidGraphError, UnsupportedOperatorsError
from bridge.graph.model import FREE, AttributeValue, NDShape
from tests.lower.graphs import SEQUENCE, STATIC, Graph
from tests.lower.window_reference import auto_padding, convolve

Numbers = npt.NDArray[Any]
rng = np.random.default_rng(33)


def convolution(graph: Graph, weights: Numbers, data: str, **attributes: AttributeValue) -> str:
    stated: dict[str, Any] = {"strides": NDShape((1,)), "autoPadding": (False,), **attributes}
    return graph.op("Convolution", graph.parameter(weights, weights.dtype), data, **stated)


def padded(spatial: int) -> tuple[bool, ...]:
    """Automatic padding of all axes but the channels, column-major."""
    return (*[True] * spatial, False)


def automatic(data: Numbers, weights: Numbers, strides: tuple[int, ...]) -> Numbers:
    """Convolution with CNTK's automatic padding, by its definition."""
    found = [auto_padding(n, k, s) for n, k, s in zip(data.shape[1:], weights.shape[2:], strides, strict=True)]
    return convolve(data, weights, strides, [low for low, _ in found], [count for _, count in found])


@pytest.mark.parametrize(
    ("size", "kernel", "strides"),
    [
        ((7,), (3,), (1,)),
        ((8,), (4,), (3,)),
        ((6, 5), (2, 3), (1, 1)),
        ((4, 7), (3, 3), (2, 2)),
        ((6, 9), (1, 1), (3, 4)),  # the border is skipped
        ((5, 6, 4), (2, 1, 3), (2, 3, 1)),
    ],
)
def test_automatic_padding(size: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, ...]) -> None:
    graph = Graph()
    data, weights = rng.standard_normal((2, 3, *size)), rng.standard_normal((4, 3, *kernel)).astype(np.float32)
    x = graph.input("x", (3, *size))
    y = convolution(graph, weights, x, strides=NDShape((*reversed(strides), 3)), autoPadding=padded(len(size)))
    expected = np.stack([automatic(sample, weights, strides) for sample in data])
    np.testing.assert_allclose(graph.run(y, {x: data}), expected, rtol=1e-4, atol=1e-5)


def test_explicit_padding_and_dilation() -> None:
    graph = Graph()
    data, weights = rng.standard_normal((2, 7, 8)), rng.standard_normal((3, 2, 3, 2)).astype(np.float32)
    x = graph.input("x", (2, 7, 8))
    y = convolution(
        graph,
        weights,
        x,
        dilation=NDShape((3, 2, 1)),
        lowerPad=NDShape((1, 2, 0)),
        upperPad=NDShape((2, 0, 0)),
    )
    expected = convolve(data, weights, (1, 1), (2, 1), (5, 8), dilation=(2, 3))
    np.testing.assert_allclose(graph.run(y, {x: data[None]})[0], expected, rtol=1e-4, atol=1e-5)


def test_groups_are_contiguous_blocks_of_channels() -> None:
    graph = Graph()
    data, weights = rng.standard_normal((6, 5, 5)), rng.standard_normal((4, 3, 3, 3)).astype(np.float32)
    x = graph.input("x", (6, 5, 5))
    y = convolution(graph, weights, x, groups=2, autoPadding=padded(2))
    expected = convolve(data, weights, (1, 1), (1, 1), (5, 5), groups=2)
    np.testing.assert_allclose(graph.run(y, {x: data[None]})[0], expected, rtol=1e-4, atol=1e-5)


def test_groups_that_do_not_divide_the_channels_are_refused() -> None:
    graph = Graph()
    x = graph.input("x", (5, 4, 4))
    y = convolution(graph, np.ones((4, 2, 3, 3), np.float32), x, groups=2)
    with pytest.raises(InvalidGraphError, match="2 groups of 2 channels"):
        graph.lower(y)


def test_several_positions_along_the_channels_are_ordered_map_first() -> None:
    graph = Graph()
    data, weights = rng.standard_normal((5, 4, 6)), rng.standard_normal((3, 2, 3, 3)).astype(np.float32)
    x = graph.input("x", (5, 4, 6))
    y = convolution(graph, weights, x, strides=NDShape((1, 1, 2)), autoPadding=padded(2))
    expected = [automatic(data[first : first + 2], weights[[output]], (1, 1))[0] for output in range(3) for first in (0, 2)]
    np.testing.assert_allclose(graph.run(y, {x: data[None]})[0], np.stack(expected), rtol=1e-4, atol=1e-5)


def test_weights_without_maps_make_one_output_channel() -> None:
    graph = Graph()
    data, weights = rng.standard_normal((3, 5, 4)), rng.standard_normal((3, 2, 2)).astype(np.float32)
    x = graph.input("x", (3, 5, 4))
    y = convolution(graph, weights, x)
    expected = convolve(data, weights[None], (1, 1), (0, 0), (4, 3))
    np.testing.assert_allclose(graph.run(y, {x: data[None]})[0], expected, rtol=1e-4, atol=1e-5)


def test_axes_of_1_behind_the_maps_change_nothing() -> None:
    """What a layer makes of filters in a tensor ``(3, 1)``."""
    graph = Graph()
    data, weights = rng.standard_normal((2, 5, 4)), rng.standard_normal((3, 1, 2, 2, 2)).astype(np.float32)
    x = graph.input("x", (2, 5, 4))
    y = convolution(graph, weights, x)
    expected = convolve(data, weights[:, 0], (1, 1), (0, 0), (4, 3))
    np.testing.assert_allclose(graph.run(y, {x: data[None]})[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("shape", "transposed"), [((3, 2, 2, 2, 2), False), ((2, 1, 3, 2, 2), True)])
def test_maps_along_spatial_axes_are_refused(shape: tuple[int, ...], transposed: bool) -> None:
    """CNTK's engines fail on them."""
    graph = Graph()
    y = convolution(graph, np.ones(shape, np.float32), graph.input("x", (2, 5, 4)), transpose=transposed)
    with pytest.raises(InvalidGraphError, match="expected 3 or 4 dimensions"):
        graph.lower(y)


def test_data_of_channels_alone_is_convolved_along_them() -> None:
    graph = Graph()
    weights = rng.standard_normal((2, 3)).astype(np.float32)
    data = rng.standard_normal(6)
    x = graph.input("x", (6,))
    y = convolution(graph, weights, x, strides=NDShape((3,)))
    expected = [weights[output] @ data[first : first + 3] for output in range(2) for first in (0, 3)]
    np.testing.assert_allclose(graph.run(y, {x: data[None]})[0], expected, rtol=1e-4, atol=1e-5)


def test_each_step_of_a_sequence_is_convolved_alone() -> None:
    graph = Graph()
    data, weights = rng.standard_normal((2, 3, 1, 4, 4)), rng.standard_normal((2, 1, 3, 3)).astype(np.float32)
    x = graph.input("x", (1, 4, 4), SEQUENCE)
    y = convolution(graph, weights, x, autoPadding=padded(2))
    expected = np.stack([np.stack([automatic(step, weights, (1, 1)) for step in sample]) for sample in data])
    expected[1, 2:] = 0
    np.testing.assert_allclose(graph.run(y, {x: data}, lengths=[3, 2]), expected, rtol=1e-4, atol=1e-5)


def test_data_without_a_batch_axis() -> None:
    graph = Graph()
    data, weights = rng.standard_normal((2, 5)), rng.standard_normal((3, 2, 4)).astype(np.float32)
    x = graph.input("x", (2, 5), STATIC)
    y = convolution(graph, weights, x)
    np.testing.assert_allclose(graph.run(y, {x: data}), convolve(data, weights, (1,), (0,), (2,)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [(6, 5), (7, 8), (4, 9)])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (3, 4)])
def test_free_sizes_bind_at_run_time(size: tuple[int, int], strides: tuple[int, int]) -> None:
    graph = Graph()
    data, weights = rng.standard_normal((2, *size)), rng.standard_normal((2, 2, 3, 2)).astype(np.float32)
    x = graph.input("x", (2, FREE, FREE))
    y = convolution(graph, weights, x, strides=NDShape((*reversed(strides), 2)), autoPadding=padded(2))
    expected = automatic(data, weights, strides)
    np.testing.assert_allclose(graph.run(y, {x: data[None]})[0], expected, rtol=1e-4, atol=1e-5)


def test_float64_runs_in_float32_and_says_so() -> None:
    graph = Graph()
    data, weights = rng.standard_normal((1, 4, 4)), rng.standard_normal((1, 1, 3, 3))
    x = graph.input("x", (1, 4, 4), dtype=np.float64)
    y = convolution(graph, weights, x)
    result = graph.run(y, {x: data[None]})
    assert result.dtype == np.float64
    np.testing.assert_allclose(result[0], convolve(data, weights, (1, 1), (0, 0), (2, 2)), rtol=1e-4)
    assert len(graph.lower(y).report.float32_nodes) == 1


@pytest.mark.parametrize("attributes", [{"sharing": (False, True)}, {"sequential": True}])
def test_forms_that_cntk_cannot_run_either_are_refused(attributes: dict[str, AttributeValue]) -> None:
    graph = Graph()
    x = graph.input("x", (1, 4, 4))
    y = convolution(graph, np.ones((1, 1, 3, 3), np.float32), x, **attributes)
    with pytest.raises(UnsupportedOperatorsError, match="Convolution"):
        graph.lower(y)


def test_weights_unshared_along_the_one_position_of_the_channels_are_shared_all_the_same() -> None:
    graph = Graph()
    data, weights = rng.standard_normal((2, 4)), rng.standard_normal((1, 2, 3)).astype(np.float32)
    x = graph.input("x", (2, 4))
    y = convolution(graph, weights, x, sharing=(True, False))
    np.testing.assert_allclose(graph.run(y, {x: data[None]})[0], convolve(data, weights, (1,), (0,), (2,)), rtol=1e-4, atol=1e-5)


def test_padding_that_an_attribute_can_say_costs_no_node() -> None:
    graph = Graph()
    x = graph.input("x", (1, 6, 6))
    y = convolution(graph, np.ones((1, 1, 3, 3), np.float32), x, autoPadding=padded(2), strides=NDShape((2, 2, 1)))
    assert graph.operators(y)[0] == "Conv"


def test_sharing_stated_for_more_axes_than_the_data_has_is_refused() -> None:
    graph = Graph()
    x = graph.input("x", (1, 5, 5))
    y = convolution(graph, np.ones((1, 1, 3, 3), np.float32), x, sharing=(True,) * 4, strides=NDShape((1, 1, 1)))
    with pytest.raises(InvalidGraphError, match="sharing is stated for 4 axes; the data has 3"):
        graph.lower(y)
