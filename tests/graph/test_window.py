"""Where windows lie: CNTK's own rule for automatic padding, and how short attributes are completed."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.errors import InvalidGraphError
from bridge.graph.model import FREE, UNKNOWN_SHAPE, AttributeValue, NDShape
from bridge.graph.network import Node
from bridge.graph.window import WindowAxis, completed, convolution_axes, pooling_axes, slid

sizes = st.integers(1, 40)
steps = st.integers(1, 6)


def pooling(**attributes: AttributeValue) -> Node:
    stated: dict[str, AttributeValue] = {"poolingType": 0, "autoPadding": (False,), "strides": NDShape((1,)), **attributes}
    return Node("Pooling1", "Pooling", ("x",), ("y",), stated)


def convolution(**attributes: AttributeValue) -> Node:
    return Node("Convolution1", "Convolution", ("w", "x"), ("y",), {"transpose": False, **attributes})


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [
        (5, 2, 1, (0, 1)),  # an even window has its extra cell behind
        (5, 4, 1, (1, 2)),
        (4, 3, 2, (1, 0)),  # an even size loses a cell behind, where SAME_UPPER would lose it in front
        (5, 3, 2, (1, 1)),
        (6, 1, 3, (-1, -1)),  # a window narrower than its stride skips the border
        (7, 3, 3, (1, 1)),
        (9, 2, 4, (0, 1)),
    ],
)
def test_automatic_padding_is_what_cntk_was_measured_to_do(size: int, kernel: int, stride: int, padding: tuple[int, int]) -> None:
    assert WindowAxis(kernel, stride, auto=True).padding(size) == padding


@given(sizes, st.integers(1, 8), steps)
def test_automatic_padding_makes_one_window_per_stride_that_ends_where_the_padding_does(
    size: int, kernel: int, stride: int
) -> None:
    axis = WindowAxis(kernel, stride, auto=True)
    padding = axis.padding(size)
    assert padding is not None
    assert axis.positions(size) == -(-size // stride)
    assert (axis.positions(size) - 1) * stride + kernel == size + sum(padding)
    assert axis.positions(size) == WindowAxis(kernel, stride, lower=padding[0], upper=padding[1]).positions(size)


@given(sizes, st.integers(1, 8), steps, st.integers(0, 5), st.integers(0, 5))
def test_a_ceiling_adds_a_window_only_where_cells_are_left_over(
    size: int, kernel: int, stride: int, lower: int, upper: int
) -> None:
    assume(size + lower + upper >= kernel)
    floor = WindowAxis(kernel, stride, lower=lower, upper=upper)
    ceiling = WindowAxis(kernel, stride, lower=lower, upper=upper, ceil=True)
    left_over = (size + lower + upper - kernel) % stride
    assert ceiling.positions(size) == floor.positions(size) + (1 if left_over else 0)
    padding = ceiling.padding(size)
    assert padding is not None
    assert size + sum(padding) >= (ceiling.positions(size) - 1) * stride + kernel


@given(sizes, st.integers(1, 5), steps, st.integers(0, 9), st.integers(0, 9), st.booleans())
def test_windows_that_touch_no_data_are_counted_and_left_out(
    size: int, kernel: int, stride: int, lower: int, upper: int, ceil: bool
) -> None:
    assume(size + lower + upper >= kernel)
    axis = WindowAxis(kernel, stride, lower=lower, upper=upper, ceil=ceil)
    starts = [position * stride - lower for position in range(axis.positions(size))]
    touching = [start for start in starts if start + kernel > 0 and start < size]
    assume(touching)
    before, behind = axis.missing(size)
    assert starts[before : len(starts) - behind] == touching
    left = axis.touching(size)
    assert [position * stride - left.lower for position in range(left.positions(size))] == touching
    assert left.lower < kernel
    assert left.upper < kernel


def test_padding_over_a_free_size_is_unknown_only_where_it_depends_on_the_size() -> None:
    assert WindowAxis(3, 1, auto=True).padding(FREE) == (1, 1)
    assert WindowAxis(3, 2, auto=True).padding(FREE) is None
    assert WindowAxis(3, 2, lower=1, upper=1).padding(FREE) == (1, 1)
    assert WindowAxis(3, 2, ceil=True).padding(FREE) is None
    assert WindowAxis(3, 2).positions(FREE) == FREE


def test_dilation_widens_the_window() -> None:
    axis = WindowAxis(3, 1, dilation=2, auto=True)
    assert axis.extent == 5
    assert axis.padding(9) == (2, 2)
    assert WindowAxis(3, 1, dilation=2).positions(9) == 5


def test_short_attributes_repeat_their_last_entry_and_end_neutral() -> None:
    assert completed([3], 2, 3, 1) == [3, 3, 1]
    assert completed([3, 2], 2, 3, 1) == [3, 2, 1]
    assert completed([2], 1, 3, 1, source=[7, 8, 9]) == [2, 8, 9]
    assert completed([], 2, 2, neutral=False) == [False, False]


def test_a_pooling_window_leaves_axes_that_it_does_not_mention() -> None:
    node = pooling(poolingWindowShape=NDShape((3, 2)), strides=NDShape((2,)), autoPadding=(False, True))
    assert pooling_axes(node, (8, 6, 7)) == (WindowAxis(1), WindowAxis(2, 2, auto=True), WindowAxis(3, 2))


def test_a_pooling_window_of_unknown_shape_covers_all_but_the_channels() -> None:
    node = pooling(poolingWindowShape=UNKNOWN_SHAPE)
    assert slid(node, pooling_axes(node, (8, 6, FREE)), (8, 6, FREE)) == (8, 1, 1)


def test_a_convolution_without_strides_for_the_channels_takes_them_whole() -> None:
    node = convolution(strides=NDShape((2, 2)), autoPadding=(True, True))
    axes = convolution_axes(node, (16, 4, 3, 5), (4, 8, 9))
    assert axes[0] == WindowAxis(4, 2, auto=True)
    assert axes[1:] == (WindowAxis(3, 2, auto=True), WindowAxis(5, 2, auto=True))
    transposed = convolution(transpose=True, strides=NDShape((2,)), autoPadding=(True,))
    assert convolution_axes(transposed, (4, 16, 3, 5), (4, 8, 9))[0] == WindowAxis(16, 4)


def test_a_window_wider_than_its_data_is_refused_by_name() -> None:
    node = pooling(poolingWindowShape=NDShape((7, 2)))
    with pytest.raises(InvalidGraphError, match=r"Pooling1.*window of 7 over 6"):
        slid(node, pooling_axes(node, (1, 6, 6)), (1, 6, 6))


@pytest.mark.parametrize(
    "attributes",
    [
        {"poolingWindowShape": NDShape((2, 2, 2, 2))},
        {"poolingWindowShape": NDShape((2,)), "strides": NDShape((1, 1, 1, 1))},
        {"poolingWindowShape": NDShape((2,)), "strides": NDShape((0,))},
        {"poolingWindowShape": NDShape((0,))},
        {"poolingWindowShape": NDShape((2,)), "autoPadding": (True,) * 4},
        {"poolingWindowShape": NDShape((2,)), "lowerPad": NDShape((-1,))},
    ],
)
def test_attributes_that_fit_no_window_are_refused(attributes: dict[str, AttributeValue]) -> None:
    with pytest.raises(InvalidGraphError, match="Pooling1"):
        pooling_axes(pooling(**attributes), (3, 6, 6))


def test_weights_of_another_rank_are_refused() -> None:
    with pytest.raises(InvalidGraphError, match="expected 3 or 4 dimensions"):
        convolution_axes(convolution(), (8, 3), (3, 6, 6))
