"""CNTK's slices as ONNX states them: semantics reference, section 6."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.errors import InvalidGraphError
from bridge.graph.model import FREE, Axis, AxisKind
from bridge.graph.network import Node
from bridge.graph.slicing import Slice, slices


def sliced(size: int, begin: int, end: int, stride: int = 1) -> Slice:
    """One slice of a vector."""
    node = Node(
        "Slice7",
        "Slice",
        (),
        (),
        {"axis": Axis(AxisKind.STATIC, 0), "beginIndex": begin, "endIndex": end, "sliceStrides": stride},
    )
    return slices(node, (size,))[0]


def applied(cut: Slice, values: list[int]) -> list[int]:
    """What ONNX's Slice takes: a stop far below 0 is before the first element."""
    stop = None if cut.step < 0 and cut.stop < -len(values) else cut.stop
    return values[cut.start : stop : cut.step]


def walked(size: int, begin: int, end: int, stride: int) -> list[int]:
    """The elements that CNTK takes: half-open, downwards from the end with a negative stride."""
    first = begin + size if begin < 0 else begin
    last = end + size if end <= 0 else end
    return list(range(first, last, stride)) if stride > 0 else list(range(last - 1, first - 1, stride))


@given(st.integers(1, 6), st.integers(-6, 6), st.integers(-6, 6), st.sampled_from([-3, -2, -1, 1, 2, 3]))
def test_slices_take_what_cntk_takes(size: int, begin: int, end: int, stride: int) -> None:
    first = begin + size if begin < 0 else begin
    last = end + size if end <= 0 else end
    assume(0 <= first < last <= size)
    cut = sliced(size, begin, end, stride)
    expected = walked(size, begin, end, stride)
    assert applied(cut, list(range(size))) == expected
    assert cut.length == len(expected)


@given(st.integers(1, 6), st.integers(-9, 9), st.integers(-9, 9))
def test_slices_out_of_range_or_empty_are_errors(size: int, begin: int, end: int) -> None:
    first = begin + size if begin < 0 else begin
    last = end + size if end <= 0 else end
    assume(not 0 <= first < last <= size)
    with pytest.raises(InvalidGraphError, match=r"node Slice7: slice \["):
        sliced(size, begin, end)


def test_measured_examples() -> None:
    assert applied(sliced(6, 1, 5, -2), list(range(6))) == [4, 2]
    assert applied(sliced(6, 0, 0, -1), list(range(6))) == [5, 4, 3, 2, 1, 0]


@given(st.integers(1, 6), st.integers(-6, 5), st.integers(-5, 6), st.sampled_from([-2, -1, 1, 2]))
def test_slices_of_free_axes_work_at_any_size_they_fit(size: int, begin: int, end: int, stride: int) -> None:
    first = begin + size if begin < 0 else begin
    last = end + size if end <= 0 else end
    assume(0 <= first < last <= size)
    cut = sliced(FREE, begin, end, stride)
    expected = walked(size, begin, end, stride)
    assert applied(cut, list(range(size))) == expected
    assert cut.length in (FREE, len(expected))


def test_length_of_a_slice_of_a_free_axis_is_known_when_both_bounds_count_from_one_side() -> None:
    assert sliced(FREE, 1, 4).length == 3
    assert sliced(FREE, -3, -1).length == 2
    assert sliced(FREE, -3, 0).length == 3
    assert sliced(FREE, 1, -1).length == FREE


def test_several_axes_are_cut_at_once() -> None:
    axes = (Axis(AxisKind.STATIC, 0), Axis(AxisKind.STATIC, 1))
    node = Node("Slice7", "Slice", (), (), {"axisVec": axes, "beginIndexVec": (1, 0), "endIndexVec": (0, 2)})
    cuts = slices(node, (4, 3))
    made = np.arange(12).reshape(4, 3)
    for cut in cuts:
        made = np.take(made, range(cut.start, cut.stop, cut.step), cut.axis)
    np.testing.assert_array_equal(made, np.arange(12).reshape(4, 3)[0:2, 1:])


def test_stride_zero_is_an_error() -> None:
    with pytest.raises(InvalidGraphError, match="stride 0"):
        sliced(4, 0, 2, 0)


def test_vectors_of_different_lengths_are_an_error() -> None:
    node = Node("Slice7", "Slice", (), (), {"axisVec": (Axis(AxisKind.STATIC, 0),), "beginIndexVec": (1, 0), "endIndexVec": (0,)})
    with pytest.raises(InvalidGraphError, match="different lengths"):
        slices(node, (4, 3))
