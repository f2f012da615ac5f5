"""The messages ``Dictionary``, ``DictionaryValue`` and ``Vector``, which hold each other: decoded into Python data, with bounds.

What comes out is still untrusted as to meaning: only its form is sound.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct, unpack_from

from bridge.errors import InvalidModelError, LimitExceededError, UnsupportedVersionError
from bridge.graph.model import AttributeValue, Axis, NDShape, Tensor
from bridge.limits import Limits
from bridge.source.v2.arrays import Payloads
from bridge.source.v2.leaves import read_axis, read_flag, read_shape, read_text, signed32
from bridge.source.v2.wire import BYTES, VARINT, read_fields, repeated_field, unexpected_field

MAX_DICTIONARY_VERSION = 2
_PROTOBUF_DEPTH = 100  # protobuf itself reads no deeper, and this reader recurses
_MAX_INTEGER = (1 << 63) - 1
_TWO_BYTES = Struct("2B").unpack_from
_SIX_BYTES = Struct("6B").unpack_from


_Decode = Callable[[int, int, int, int], AttributeValue]


class Dictionary(dict[str, AttributeValue]):
    """A decoded ``Dictionary``, with the offset of the message in the file."""

    __slots__ = ("offset",)

    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset


class DictionaryReader:
    """Decodes nested dictionaries from ``data``, counting what they hold over the whole file."""

    def __init__(self, data: memoryview, limits: Limits, payloads: Payloads) -> None:
        self._data = data
        self._limits = limits
        self._payloads = payloads
        self._values = 0
        self._keys: dict[bytes, str] = {}
        self.version = 0  # the highest that was met
        # By type code: the tag of the oneof member that holds the value, and how it is decoded.
        self._types: dict[int, tuple[int, _Decode]] = {
            0: (0, self._read_none),
            1: (0x18, self._read_bool),
            2: (0x20, self._read_int),
            3: (0x28, self._read_size),
            4: (0x35, self._read_float),
            5: (0x39, self._read_double),
            6: (0x42, self._read_string),
            7: (0x4A, self._read_shape),
            8: (0x52, self._read_axis),
            9: (0x5A, self._read_vector),
            10: (0x62, self._read_nested),
            11: (0x6A, self._read_array),
        }
        self._members = frozenset(tag for tag, _ in self._types.values()) - {0}

    def read_dictionary(self, start: int, end: int, depth: int = 0) -> Dictionary:
        """The ``Dictionary`` in ``data[start:end]``; ``depth`` counts the dictionaries and vectors around it."""
        self._check_depth(depth, start)
        result = Dictionary(start)
        versioned = False
        for tag, a, b, at in read_fields(self._data, start, end):
            if tag == 0x12:
                key, value = self._read_entry(a, b, depth)
                if key in result:
                    raise InvalidModelError("a dictionary has a key twice", offset=at, field=key)
                if len(result) == self._limits.dictionary_entries:
                    limit = self._limits.dictionary_entries
                    raise LimitExceededError("dictionary entries", limit=limit, actual=limit + 1, offset=at)
                result[key] = value
            elif tag == 0x08:
                if versioned:
                    raise repeated_field("Dictionary", tag, at)
                versioned = True
                self._check_version(a, at)
            else:
                raise unexpected_field("Dictionary", tag, at)
        return result

    def _read_entry(self, start: int, end: int, depth: int) -> tuple[str, AttributeValue]:
        """One entry of a dictionary: the usual order and sizes at a glance, any other field by field."""
        if end - start > 4:
            tag, length = _TWO_BYTES(self._data, start)
            middle = start + 2 + length
            if tag == 0x0A and length < 0x80 and middle + 2 <= end:
                tag, length = _TWO_BYTES(self._data, middle)
                if tag == 0x12 and length < 0x80 and middle + 2 + length == end:
                    return self._read_key(start + 2, middle), self._read_value(middle + 2, end, depth)
        return self._read_general_entry(start, end, depth)

    def _read_general_entry(self, start: int, end: int, depth: int) -> tuple[str, AttributeValue]:
        key: str | None = None
        span: tuple[int, int] | None = None
        for tag, a, b, at in read_fields(self._data, start, end):
            if tag == 0x0A:
                if key is not None:
                    raise repeated_field("Dictionary.data", tag, at)
                key = self._read_key(a, b)
            elif tag == 0x12:
                if span is not None:
                    raise repeated_field("Dictionary.data", tag, at)
                span = a, b
            else:
                raise unexpected_field("Dictionary.data", tag, at)
        # Proto3 leaves out what equals the default: no key is the empty key, no value is the value None.
        return key or "", self._read_value(*(span or (end, end)), depth)

    def _read_key(self, start: int, end: int) -> str:
        """A key, one object for all its occurrences: the same dozen keys make up most of a file."""
        if end - start > self._limits.uid_bytes:
            raise LimitExceededError("key length", limit=self._limits.uid_bytes, actual=end - start, offset=start)
        octets = bytes(self._data[start:end])
        key = self._keys.get(octets)
        if key is None:
            key = self._keys[octets] = read_text(self._data, start, end, self._limits.uid_bytes, "Dictionary.data.key")
        return key

    def _read_value(self, start: int, end: int, depth: int) -> AttributeValue:
        self._values += 1
        if self._values > self._limits.dictionary_values:
            limit = self._limits.dictionary_values
            raise LimitExceededError("dictionary values", limit=limit, actual=self._values, offset=start)
        # CNTK writes nearly all values as version, type, member, each in one byte with its tag: read at a glance if so.
        if end - start > 5:
            tag, version, type_tag, code, member, first = _SIX_BYTES(self._data, start)
            if tag == 0x08 and type_tag == 0x10 and first < 0x80 and version <= self.version and code in self._types:
                expected, decode = self._types[code]
                if member == expected:
                    if member & 7 == BYTES and start + 6 + first == end:
                        return decode(start + 6, end, start + 4, depth)
                    if member & 7 == VARINT and start + 6 == end:
                        return decode(first, end, start + 4, depth)
        return self._read_general_value(start, end, depth)

    def _read_general_value(self, start: int, end: int, depth: int) -> AttributeValue:
        code = member = a = 0
        b = place = end
        seen = 0
        for tag, value, behind, at in read_fields(self._data, start, end):
            if tag == 0x10:
                code, bit = value, 1
            elif tag == 0x08:
                self._check_version(value, at)
                bit = 2
            elif tag in self._members:
                member, a, b, place, bit = tag, value, behind, at, 4
            else:
                raise unexpected_field("DictionaryValue", tag, at)
            if seen & bit:
                raise repeated_field("DictionaryValue", tag, at)
            seen |= bit
        known = self._types.get(code)
        if known is None:
            raise InvalidModelError("an unknown type of value", offset=start, field="DictionaryValue.value_type", found=str(code))
        expected, decode = known
        if member != expected:
            if member:
                raise InvalidModelError(
                    "a value is of another type than it says",
                    offset=place, field="DictionaryValue", expected=f"field number {expected >> 3}", found=f"field number {member >> 3}",
                )  # fmt: skip
            # A writer may leave out a member that equals its default; an empty payload decodes to the same.
            a = 0 if expected & 7 == VARINT else end
        return decode(a, b, place, depth)

    def _check_version(self, version: int, at: int) -> None:
        if version > self.version:
            if version > MAX_DICTIONARY_VERSION:
                raise UnsupportedVersionError(
                    "an unknown version of the dictionary format", offset=at, expected=f"at most {MAX_DICTIONARY_VERSION}", found=str(version)
                )
            self.version = version

    def _check_depth(self, depth: int, at: int) -> None:
        limit = min(self._limits.nesting_depth, _PROTOBUF_DEPTH)
        if depth > limit:
            raise LimitExceededError("nested dictionaries and vectors", limit=limit, actual=depth, offset=at)

    def _read_vector(self, start: int, end: int, at: int, depth: int) -> tuple[AttributeValue, ...]:
        self._check_depth(depth + 1, start)
        elements: list[AttributeValue] = []
        for tag, a, b, at in read_fields(self._data, start, end):
            if tag != 0x0A:
                raise unexpected_field("Vector", tag, at)
            if len(elements) == self._limits.vector_elements:
                limit = self._limits.vector_elements
                raise LimitExceededError("vector elements", limit=limit, actual=limit + 1, offset=at)
            elements.append(self._read_value(a, b, depth + 1))
        return tuple(elements)

    def _read_nested(self, start: int, end: int, at: int, depth: int) -> Dictionary:
        return self.read_dictionary(start, end, depth + 1)

    def _read_array(self, start: int, end: int, at: int, depth: int) -> Tensor:
        return self._payloads.read_array(start, end)

    def _read_shape(self, start: int, end: int, at: int, depth: int) -> NDShape:
        return read_shape(self._data, start, end, self._limits)

    def _read_axis(self, start: int, end: int, at: int, depth: int) -> Axis:
        return read_axis(self._data, start, end, self._limits)

    def _read_string(self, start: int, end: int, at: int, depth: int) -> str:
        return read_text(self._data, start, end, self._limits.string_bytes, "DictionaryValue.string_value")

    def _read_float(self, start: int, end: int, at: int, depth: int) -> float:
        return float(unpack_from("<f", self._data, start)[0]) if end > start else 0.0

    def _read_double(self, start: int, end: int, at: int, depth: int) -> float:
        return float(unpack_from("<d", self._data, start)[0]) if end > start else 0.0

    def _read_size(self, value: int, behind: int, at: int, depth: int) -> int:
        if value > _MAX_INTEGER:
            raise InvalidModelError("a size is out of range", offset=at, expected=f"at most {_MAX_INTEGER}", found=str(value))
        return value

    def _read_int(self, value: int, behind: int, at: int, depth: int) -> int:
        return signed32(value, at, "DictionaryValue.int_value")

    def _read_bool(self, value: int, behind: int, at: int, depth: int) -> bool:
        return read_flag(value, at, "DictionaryValue.bool_value")

    def _read_none(self, start: int, end: int, at: int, depth: int) -> None:
        return None
