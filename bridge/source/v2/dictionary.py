"""The messages ``Dictionary``, ``DictionaryValue`` and ``Vector``, which hold each other: decoded into Python data, with bounds.

What comes out is still untrusted as to meaning: only its form is sound.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct, unpack_from
from sys import intern

from bridge.errors import InvalidModelError, LimitExceededError, UnsupportedVersionError
from bridge.graph.model import AttributeValue, Axis, NDShape, Tensor
from bridge.limits import Limits
from bridge.source.v2.arrays import Payloads
from bridge.source.v2.leaves import read_axis, read_flag, read_shape, read_text, signed32
from bridge.source.v2.wire import BYTES, VARINT, read_field, read_fields, repeated_field, unexpected_field

MAX_DICTIONARY_VERSION = 2
_PROTOBUF_DEPTH = 100  # protobuf itself reads no deeper, and this reader recurses
_MAX_INTEGER = (1 << 63) - 1
_USUAL_VALUE = Struct("6B").unpack_from
# A dictionary, shape or axis counts as four values and an array as eight, because they take so much more time and memory.
_EXTRA_OF_MESSAGE, _EXTRA_OF_ARRAY = 3, 7
_MEMO_BYTES = 96
_MEMO_ENTRIES = 1024


_Decode = Callable[[int, int, int], AttributeValue]
"""Of ``(a, b, depth)``, where ``a`` and ``b`` are those of the ``Field``."""


class Dictionary(dict[str, AttributeValue]):
    """A decoded ``Dictionary``, with the offset of the message in the file and whether it stated a version."""

    __slots__ = ("offset", "versioned")

    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset
        self.versioned = False


_NO_TYPE: tuple[int, _Decode] = (-1, lambda _a, _b, _depth: None)


class DictionaryReader:
    """Decodes nested dictionaries from ``data``, counting what they hold over the whole file."""

    def __init__(self, data: memoryview, limits: Limits, payloads: Payloads) -> None:
        self._data = data
        self._limits = limits
        self._payloads = payloads
        self._values = 0
        self._memos: dict[int, dict[bytes, tuple[str, AttributeValue, int]]] = {}
        self.version = 0  # the highest that was met
        # By type code: the tag of the oneof member that holds the value, and how it is decoded.
        self._types: dict[int, tuple[int, _Decode]] = {
            0: (0, _read_none),
            1: (0x18, _read_bool),
            2: (0x20, _read_int),
            3: (0x28, _read_size),
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
        """The ``Dictionary`` in ``data[start:end]``; ``depth`` counts the dictionaries and vectors around it.

        Half of all entries repeat an earlier one byte for byte: those are decoded once. What is remembered is bounded in number
        and size, and kept by depth, so that no entry slips below the limit of nesting.
        """
        self._check_depth(depth, start)
        data, memo, at = self._data, self._memos.setdefault(depth, {}), start
        result, entries = Dictionary(start), self._limits.dictionary_entries
        while at < end:
            if (
                data[at] == 0x12
                and at + 1 < end
                and (length := data[at + 1]) <= _MEMO_BYTES
                and (behind := at + 2 + length) <= end
            ):
                octets = data[at + 2 : behind].tobytes()
                known = memo.get(octets)
                if known is None:
                    known = self._read_entry(at + 2, behind, depth)
                    if len(memo) < _MEMO_ENTRIES and _is_shareable(known[1]):
                        memo[octets] = known
                else:
                    self._count_values(known[2], at)
            else:
                tag, a, behind, _ = read_field(data, at, end)
                if tag != 0x12:
                    self._read_version(result, tag, a, at)
                    at = behind
                    continue
                known = self._read_entry(a, behind, depth)
            if known[0] in result:
                raise InvalidModelError("a dictionary has a key twice", offset=at, field=known[0][:80])
            result[known[0]] = known[1]
            if len(result) > entries:
                raise LimitExceededError("dictionary entries", limit=entries, actual=len(result), offset=at)
            at = behind
        return result

    def _read_version(self, record: Dictionary, tag: int, version: int, at: int) -> None:
        if tag != 0x08:
            raise unexpected_field("Dictionary", tag, at)
        if record.versioned:
            raise repeated_field("Dictionary", tag, at)
        record.versioned = True
        self._check_version(version, at)

    def _read_entry(self, start: int, end: int, depth: int) -> tuple[str, AttributeValue, int]:
        """Key and value of an entry, and how many values it took."""
        before = self._values
        data = self._data
        if 3 < end - start < 0x80 and data[start] == 0x0A:
            # Key and value in this order, their tags and lengths in one byte each: the form of nearly all that CNTK writes.
            middle = start + 2 + data[start + 1]
            if middle + 2 <= end and data[middle] == 0x12 and middle + 2 + data[middle + 1] == end:
                key = self._read_key(start + 2, middle)
                return key, self._read_value(middle + 2, end, depth), self._values - before
        key, a, b = self._split_entry(start, end)
        return key, self._read_value(a, b, depth), self._values - before

    def _split_entry(self, start: int, end: int) -> tuple[str, int, int]:
        """The key of an entry of any form, and where its value lies."""
        spans: dict[int, tuple[int, int]] = {}
        for tag, a, b, at in read_fields(self._data, start, end):
            if tag not in (0x0A, 0x12):
                raise unexpected_field("Dictionary.data", tag, at)
            if tag in spans:
                raise repeated_field("Dictionary.data", tag, at)
            spans[tag] = a, b
        # Proto3 leaves out what equals the default: the empty key, the value None.
        return self._read_key(*spans.get(0x0A, (end, end))), *spans.get(0x12, (end, end))

    def _read_key(self, start: int, end: int) -> str:
        return intern(read_text(self._data, start, end, self._limits.string_bytes, "Dictionary.data.key"))

    def _read_value(self, start: int, end: int, depth: int) -> AttributeValue:
        """The ``DictionaryValue`` in ``data[start:end]``: the usual form at a glance, any other by field."""
        self._count_values(1, start)
        if end - start > 5:
            # Version, type and member, each in one byte with its tag, and nothing behind: so CNTK writes nearly all values.
            tag, version, type_tag, code, member, first = _USUAL_VALUE(self._data, start)
            if tag == 0x08 and type_tag == 0x10 and version <= self.version and first < 0x80:
                expected, decode = self._types.get(code, _NO_TYPE)
                if member == expected and member & 7 == BYTES and start + 6 + first == end:
                    return decode(start + 6, end, depth)
                if member == expected and member & 7 == VARINT and start + 6 == end:
                    return decode(first, end, depth)
        return self._decode_value(start, end, depth)

    def _decode_value(self, start: int, end: int, depth: int) -> AttributeValue:
        code = member = a = seen = 0
        b = place = end
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
        if code not in self._types:
            raise InvalidModelError("an unknown type of value", offset=start, field="DictionaryValue.value_type", found=str(code))
        expected, decode = self._types[code]
        if member == 0:
            # A writer may leave out a member that equals its default; an empty payload decodes to the same.
            a = 0 if expected & 7 == VARINT else end
        elif member != expected:
            raise InvalidModelError(
                "a value is of another type than it says",
                offset=place,
                field="DictionaryValue",
                expected=f"field number {expected >> 3}",
                found=f"field number {member >> 3}",
            )
        return decode(a, b, depth)

    def _count_values(self, count: int, at: int) -> None:
        self._values += count
        if self._values > self._limits.dictionary_values:
            raise LimitExceededError("dictionary values", limit=self._limits.dictionary_values, actual=self._values, offset=at)

    def _check_version(self, version: int, at: int) -> None:
        if version > self.version:
            if version > MAX_DICTIONARY_VERSION:
                raise UnsupportedVersionError(
                    f"version {version} of the dictionary format is written by no release of CNTK",
                    offset=at,
                    expected=f"at most {MAX_DICTIONARY_VERSION}",
                    found=str(version),
                )
            self.version = version

    def _check_depth(self, depth: int, at: int) -> None:
        limit = min(self._limits.nesting_depth, _PROTOBUF_DEPTH)
        if depth > limit:
            raise LimitExceededError("nested dictionaries and vectors", limit=limit, actual=depth, offset=at)

    def _read_vector(self, start: int, end: int, depth: int) -> tuple[AttributeValue, ...]:
        self._check_depth(depth + 1, start)
        limit = self._limits.vector_elements
        elements: list[AttributeValue] = []
        for tag, a, b, at in read_fields(self._data, start, end):
            if tag != 0x0A:
                raise unexpected_field("Vector", tag, at)
            if len(elements) == limit:
                raise LimitExceededError("vector elements", limit=limit, actual=limit + 1, offset=at)
            elements.append(self._read_value(a, b, depth + 1))
        return tuple(elements)

    def _read_nested(self, start: int, end: int, depth: int) -> Dictionary:
        self._count_values(_EXTRA_OF_MESSAGE, start)
        return self.read_dictionary(start, end, depth + 1)

    def _read_array(self, start: int, end: int, _depth: int) -> Tensor:
        self._count_values(_EXTRA_OF_ARRAY, start)
        return self._payloads.read_array(start, end)

    def _read_shape(self, start: int, end: int, _depth: int) -> NDShape:
        self._count_values(_EXTRA_OF_MESSAGE, start)
        return read_shape(self._data, start, end, self._limits)

    def _read_axis(self, start: int, end: int, _depth: int) -> Axis:
        self._count_values(_EXTRA_OF_MESSAGE, start)
        return read_axis(self._data, start, end, self._limits)

    def _read_string(self, start: int, end: int, _depth: int) -> str:
        return read_text(self._data, start, end, self._limits.string_bytes, "DictionaryValue.string_value")

    def _read_float(self, start: int, end: int, _depth: int) -> float:
        return float(unpack_from("<f", self._data, start)[0]) if end > start else 0.0

    def _read_double(self, start: int, end: int, _depth: int) -> float:
        return float(unpack_from("<d", self._data, start)[0]) if end > start else 0.0


def _is_shareable(value: AttributeValue) -> bool:
    """Whether a value is the same wherever it stands: not so dictionaries and arrays, which have an offset."""
    if type(value) is tuple:
        return all(_is_shareable(element) for element in value)
    return not isinstance(value, (Dictionary, Tensor))


def _read_size(value: int, behind: int, _depth: int) -> int:
    if value > _MAX_INTEGER:
        raise InvalidModelError("a size is out of range", offset=behind, expected=f"at most {_MAX_INTEGER}", found=str(value))
    return value


def _read_int(value: int, behind: int, _depth: int) -> int:
    return signed32(value, behind, "DictionaryValue.int_value")


def _read_bool(value: int, behind: int, _depth: int) -> bool:
    return read_flag(value, behind, "DictionaryValue.bool_value")


def _read_none(_start: int, _end: int, _depth: int) -> None:
    return None
