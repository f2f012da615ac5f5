"""Shapes and axes: the forms of all releases, the sentinels, and nothing else."""

from __future__ import annotations

import dataclasses

import pytest

from bridge.errors import InvalidModelError, LimitExceededError
from bridge.graph.model import FREE, INFERRED, UNKNOWN_SHAPE, Axis, AxisKind, NDShape
from bridge.limits import DEFAULT_LIMITS, Limits
from bridge.source.v2.leaves import read_axis, read_shape
from tests.source.v2.wire_writer import (
    BATCH,
    FREE_DIM,
    INFERRED_DIM,
    SEQUENCE,
    UNKNOWN_DIM,
    AxisValue,
    axis_message,
    bytes_field,
    number_field,
    shape_message,
    varint,
)


def shape(octets: bytes, limits: Limits = DEFAULT_LIMITS) -> NDShape:
    return read_shape(memoryview(octets), 0, len(octets), limits)


def axis(octets: bytes) -> Axis:
    return read_axis(memoryview(octets), 0, len(octets), DEFAULT_LIMITS)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("dims", [(), (5,), (3, 300, 0), (1,) * 32])
def test_shape_is_read_packed_and_unpacked(dims: tuple[int, ...], packed: bool) -> None:
    assert shape(shape_message(dims, packed=packed)) == dims


def test_shape_may_be_packed_in_part() -> None:
    assert shape(shape_message((2, 3)) + shape_message((4,), packed=False) + shape_message((5,))) == (2, 3, 4, 5)


def test_sentinels_become_negative() -> None:
    assert shape(shape_message((4, INFERRED_DIM, FREE_DIM))) == (4, INFERRED, FREE)
    assert shape(shape_message((UNKNOWN_DIM,))) == UNKNOWN_SHAPE


def test_unknown_shape_among_other_dimensions_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="unknown shape"):
        shape(shape_message((4, UNKNOWN_DIM)))


@pytest.mark.parametrize("dim", [(1 << 40) + 1, 1 << 63, (1 << 64) - 4])
def test_huge_dimension_is_refused(dim: int) -> None:
    with pytest.raises(LimitExceededError, match="dimension length"):
        shape(shape_message((2, dim)))


@pytest.mark.parametrize("packed", [True, False])
def test_rank_is_bounded(packed: bool) -> None:
    with pytest.raises(LimitExceededError, match="dimensions"):
        shape(shape_message((1,) * 33, packed=packed))
    with pytest.raises(LimitExceededError, match="dimensions"):
        shape(shape_message((1,) * 3, packed=packed), dataclasses.replace(DEFAULT_LIMITS, rank=2))


def test_dimension_cut_off_by_the_end_of_its_run_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="cut off"):
        shape(bytes_field(1, b"\x05\x80") + b"\x08\x01")


@pytest.mark.parametrize("octets", [number_field(2, 1), b"\x0d" + bytes(4)])
def test_unknown_field_of_a_shape_is_refused(octets: bytes) -> None:
    with pytest.raises(InvalidModelError, match="does not have"):
        shape(octets)


@pytest.mark.parametrize("index", [0, 1, 32, -1, -32])
def test_static_axis_keeps_its_column_major_index(index: int) -> None:
    assert axis(axis_message(AxisValue(index, f"staticAxisIdx={index}"))) == Axis(AxisKind.STATIC, index)


def test_dynamic_axes_are_told_apart_by_order() -> None:
    assert axis(axis_message(BATCH)) == Axis(AxisKind.BATCH, name="defaultBatchAxis")
    assert axis(axis_message(SEQUENCE)) == Axis(AxisKind.SEQUENCE, name="defaultDynamicAxis")


@pytest.mark.parametrize(
    ("index", "kind"),
    [
        (2147483646, AxisKind.ALL_STATIC),
        (2147483645, AxisKind.UNKNOWN_DYNAMIC),
        (2147483644, AxisKind.END_STATIC),
        (2147483643, AxisKind.ALL),
    ],
)
def test_sentinel_axes_are_named(index: int, kind: AxisKind) -> None:
    assert axis(axis_message(AxisValue(index, "any name"))) == Axis(kind)


@pytest.mark.parametrize("index", [33, -33, 2147483642, -(1 << 31)])
def test_static_axis_out_of_range_is_refused(index: int) -> None:
    with pytest.raises(InvalidModelError, match="out of range"):
        axis(axis_message(AxisValue(index)))


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        (number_field(1, 1) * 2, "occurs again"),
        (bytes_field(2, b"a") * 2, "occurs again"),
        (number_field(3, 2), "neither 0 nor 1"),
        (number_field(1, 1 << 32), "32 bits"),
        (number_field(4, 1), "does not have"),
        (varint((1 << 29) - 1 << 3) + b"\x01", "does not have"),
        (bytes_field(2, b"\xff"), "UTF-8"),
    ],
)
def test_malformed_axis_is_refused(octets: bytes, message: str) -> None:
    with pytest.raises(InvalidModelError, match=message):
        axis(octets)
