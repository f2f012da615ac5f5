"""A position in the bytes of a v1 file, and the primitive values that can be read there.

Every read states the field it is for, and checks the bytes left before it takes or allocates anything, so that no count in a
file is believed. The format is little-endian, without alignment, padding or section lengths.
"""

from __future__ import annotations

import struct

from bridge.errors import InvalidModelError, LimitExceededError
from bridge.limits import Limits

_U32 = struct.Struct("<I")
_I32 = struct.Struct("<i")
_U64 = struct.Struct("<Q")
_I64 = struct.Struct("<q")
_F32 = struct.Struct("<f")
_F64 = struct.Struct("<d")
_TERMINATOR = b"\0\0"
_SHORT_STRING_BYTES = 256  # Nearly every name fits; only longer ones are looked for as far as the limit.
_SHOWN_CHARACTERS = 80


def shown(text: str) -> str:
    """``text`` from a file as an error may quote it: short, and with control and direction-changing characters escaped."""
    return repr(text[:_SHOWN_CHARACTERS])


class Cursor:
    """Reads values from ``data`` one after the other.

    ``place`` names what is being read (a node, a section) and stands in front of the field in every error.
    """

    __slots__ = ("data", "limits", "offset", "place")

    def __init__(self, data: memoryview, limits: Limits) -> None:
        self.data = data
        self.limits = limits
        self.offset = 0
        self.place = ""

    @property
    def left(self) -> int:
        """Bytes from here to the end of the file."""
        return len(self.data) - self.offset

    def path(self, field: str) -> str:
        """``field`` with the place in front of it."""
        return f"{self.place}.{field}" if self.place else field

    def wrong(
        self,
        message: str,
        field: str,
        *,
        offset: int,
        expected: str | None = None,
        found: str | None = None,
        advice: str | None = None,
    ) -> InvalidModelError:
        """The error for bytes at ``offset`` that cannot be right."""
        return InvalidModelError(message, offset=offset, field=self.path(field), expected=expected, found=found, advice=advice)

    def beyond(self, resource: str, field: str, *, limit: int, actual: int, offset: int) -> LimitExceededError:
        """The error for a count or size beyond a bound of ``bridge.limits``."""
        return LimitExceededError(resource, limit=limit, actual=actual, offset=offset, field=self.path(field))

    def take(self, size: int, field: str) -> int:
        """Step over ``size`` bytes and return the offset where they start."""
        start = self.offset
        if size > len(self.data) - start:
            raise self.wrong("the file ends too early", field, offset=start, expected=f"{size} bytes", found=f"{self.left} bytes")
        self.offset = start + size
        return start

    def u8(self, field: str) -> int:
        """One byte."""
        return self.data[self.take(1, field)]

    def u32(self, field: str) -> int:
        """Four bytes, unsigned."""
        return int(_U32.unpack_from(self.data, self.take(4, field))[0])

    def i32(self, field: str) -> int:
        """Four bytes, signed."""
        return int(_I32.unpack_from(self.data, self.take(4, field))[0])

    def u64(self, field: str) -> int:
        """Eight bytes, unsigned."""
        return int(_U64.unpack_from(self.data, self.take(8, field))[0])

    def i64(self, field: str) -> int:
        """Eight bytes, signed."""
        return int(_I64.unpack_from(self.data, self.take(8, field))[0])

    def f32(self, field: str) -> float:
        """A single-precision number."""
        return float(_F32.unpack_from(self.data, self.take(4, field))[0])

    def f64(self, field: str) -> float:
        """A double-precision number."""
        return float(_F64.unpack_from(self.data, self.take(8, field))[0])

    def flag(self, field: str) -> bool:
        """One byte that must be 0 or 1."""
        value = self.u8(field)
        if value > 1:
            raise self.wrong(
                "a truth value is neither 0 nor 1", field, offset=self.offset - 1, expected="0 or 1", found=str(value)
            )
        return value == 1

    def count(self, field: str, *, element_bytes: int, limit: int, resource: str) -> int:
        """A 64-bit number of elements, of at least ``element_bytes`` each, that follow in the file."""
        start = self.offset
        number = self.u64(field)
        if number > limit:
            raise self.beyond(resource, field, limit=limit, actual=number, offset=start)
        if number * element_bytes > self.left:
            raise self.wrong(
                "a count exceeds the rest of the file",
                field,
                offset=start,
                expected=f"at most {self.left // element_bytes} elements of {element_bytes} bytes or more",
                found=str(number),
            )
        return number

    def wide_text(self, field: str) -> str:
        """A string of 16-bit code units that ends with a zero unit.

        A surrogate without its other half (CNTK on Linux cuts code points to 16 bits) becomes an escape, so that every name can
        be shown and written.
        """
        start = self.offset
        size = self._wide_size(start, field)
        self.offset = start + size + 2
        return bytes(self.data[start : start + size]).decode("utf-16-le", "backslashreplace")

    def _wide_size(self, start: int, field: str) -> int:
        longest = 2 * self.limits.name_code_units
        for reach in (_SHORT_STRING_BYTES, longest + 2):
            window = bytes(self.data[start : start + reach])
            at = window.find(_TERMINATOR)
            while at >= 0 and at % 2:
                at = window.find(_TERMINATOR, at + 1)
            if 0 <= at <= longest:
                return at
        if start + longest + 2 > len(self.data):
            raise self.wrong("a string has no end", field, offset=start, expected="a zero code unit", found="the end of the file")
        raise self.beyond(
            "string length", field, limit=self.limits.name_code_units, actual=self.limits.name_code_units + 1, offset=start
        )

    def narrow_text(self, field: str) -> str:
        """A string of 8-bit units that ends with a zero byte. Only printing formats are stored so: the encoding is not stated."""
        start = self.offset
        window = bytes(self.data[start : start + self.limits.name_code_units + 1])
        at = window.find(0)
        if at < 0:
            raise self.wrong(
                "a string has no end", field, offset=start, expected=f"a zero byte within {self.limits.name_code_units + 1} bytes"
            )
        self.offset = start + at + 1
        return window[:at].decode("latin-1")

    def marker(self, text: str) -> None:
        """The section marker ``text``, exactly."""
        start = self.offset
        if not self.try_marker(text):
            there = bytes(self.data[start : start + 2 * len(text)]).decode("utf-16-le", "backslashreplace")
            raise self.wrong("a section marker is missing", text, offset=start, expected=repr(text), found=shown(there))

    def try_marker(self, text: str) -> bool:
        """Step over the section marker ``text`` if it stands here, and say whether it did."""
        wanted = (text + "\0").encode("utf-16-le")
        if bytes(self.data[self.offset : self.offset + len(wanted)]) != wanted:
            return False
        self.offset += len(wanted)
        return True
