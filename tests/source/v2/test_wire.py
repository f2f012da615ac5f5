"""The wire format: every byte out of place is refused, at its offset."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidModelError
from bridge.source.v2.wire import read_fields, read_varint
from tests.source.v2.wire_writer import bytes_field, number_field, varint


def fields(octets: bytes) -> list[tuple[int, int, int, int]]:
    return list(read_fields(memoryview(octets), 0, len(octets)))


@given(st.integers(min_value=0, max_value=(1 << 64) - 1))
def test_every_64_bit_number_survives_as_a_varint(number: int) -> None:
    octets = varint(number)
    assert read_varint(memoryview(octets), 0, len(octets)) == (number, len(octets))


def test_padded_varint_is_read() -> None:
    assert read_varint(memoryview(b"\x81\x80\x00"), 0, 3) == (1, 3)


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        (b"\x80" * 10 + b"\x00", "longer than 10 bytes"),
        (b"\xff" * 9 + b"\x02", "does not fit in 64 bits"),
        (b"\x80\x80", "cut off"),
        (b"", "cut off"),
    ],
)
def test_bad_varint_is_refused(octets: bytes, message: str) -> None:
    with pytest.raises(InvalidModelError, match=message):
        read_varint(memoryview(octets), 0, len(octets))


def test_varint_is_bounded_by_its_message_not_by_the_file() -> None:
    with pytest.raises(InvalidModelError, match="cut off"):
        read_varint(memoryview(b"\x80\x80\x01"), 0, 2)


def test_fields_come_with_value_or_span_and_offset() -> None:
    octets = number_field(1, 300) + bytes_field(2, b"abc") + b"\x1d" + bytes(4) + b"\x21" + bytes(8)
    assert fields(octets) == [(0x08, 300, 3, 0), (0x12, 5, 8, 3), (0x1D, 9, 13, 8), (0x21, 14, 22, 13)]


@pytest.mark.parametrize("wire", [3, 4, 6, 7])
def test_unused_wire_type_is_refused(wire: int) -> None:
    with pytest.raises(InvalidModelError, match="wire type") as caught:
        fields(number_field(1, 1) + bytes([2 << 3 | wire]))
    assert caught.value.offset == 2


@pytest.mark.parametrize("tag", [0, 2, 1 << 33])
def test_field_number_out_of_range_is_refused(tag: int) -> None:
    with pytest.raises(InvalidModelError, match="field number is out of range"):
        fields(varint(tag) + b"\x00")


@pytest.mark.parametrize("octets", [b"\x0a\x05abcd", b"\x09" + bytes(7), b"\x0d" + bytes(3), b"\x0a" + varint((1 << 64) - 1)])
def test_field_beyond_its_message_is_refused(octets: bytes) -> None:
    with pytest.raises(InvalidModelError, match="beyond the end of its message"):
        fields(octets)


def test_length_is_compared_with_the_enclosing_message() -> None:
    octets = bytes_field(1, b"\x0a\x04ab") + b"more bytes of the file"
    inner = next(read_fields(memoryview(octets), 0, len(octets)))
    with pytest.raises(InvalidModelError, match="beyond the end of its message") as caught:
        list(read_fields(memoryview(octets), inner[1], inner[2]))
    assert caught.value.expected == "at most 2 bytes"


@pytest.mark.parametrize("octets", [b"\x08", b"\x0a", b"\x80"])
def test_field_cut_off_behind_its_tag_is_refused(octets: bytes) -> None:
    with pytest.raises(InvalidModelError, match="cut off"):
        fields(octets)
