"""Protobuf's wire format, read from untrusted bytes: tags, varints and lengths, each within the message that holds it."""

from __future__ import annotations

from typing import Final, NoReturn

from bridge.errors import RefusedModelError

WIRE: Final = "wire-format"
"""The check that refuses what is no protobuf message, or not in the form that a serialiser writes."""

VARINT: Final = 0
FIXED64: Final = 1
LENGTH_DELIMITED: Final = 2
FIXED32: Final = 5

_LONGEST_VARINT: Final = 10
_MOST_IN_64_BITS: Final = (1 << 64) - 1


def refuse(offset: int, expected: str, found: str) -> NoReturn:
    """Raise for a fault at a byte of the model file."""
    raise RefusedModelError(WIRE, f"byte {offset} of the model", expected=expected, found=found)


def read_varint(view: memoryview, offset: int, end: int) -> tuple[int, int]:
    """An unsigned integer of up to 64 bits, in the shortest form, and the offset behind it."""
    value = shift = 0
    for index in range(offset, min(end, offset + _LONGEST_VARINT)):
        octet = view[index]
        value |= (octet & 0x7F) << shift
        if octet < 0x80:
            if octet == 0 and shift:
                refuse(offset, "an integer in its shortest form", f"one of {index - offset + 1} bytes that ends in zeros")
            if value > _MOST_IN_64_BITS:
                refuse(offset, "an integer of 64 bits", str(value))
            return value, index + 1
        shift += 7
    refuse(offset, "an integer of at most 10 bytes inside its message", "one that goes on")


def read_length(view: memoryview, offset: int, end: int) -> tuple[int, int]:
    """The start and the end of what a length stands in front of, inside the message that ends at ``end``."""
    length, start = read_varint(view, offset, end)
    if length > end - start:
        refuse(offset, f"at most {end - start} bytes, which the message has left", f"a length of {length}")
    return start, start + length


def signed(value: int) -> int:
    """The 64 bits of a varint as the signed integer that protobuf's int32 and int64 mean."""
    return value - (1 << 64) if value >> 63 else value
