"""Dictionaries, values and vectors: all types, in any legal form; no other form; within bounds."""

from __future__ import annotations

import dataclasses
import math
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidModelError, LimitExceededError, UnsupportedVersionError
from bridge.graph.model import Axis, AxisKind, NDShape
from bridge.limits import DEFAULT_LIMITS, Limits
from bridge.source.v2.arrays import Payloads
from bridge.source.v2.dictionary import Dictionary, DictionaryReader
from tests.source.v2.wire_writer import (
    AxisValue,
    Double,
    Float,
    Int,
    Raw,
    Shape,
    Size,
    bytes_field,
    dictionary,
    entry,
    number_field,
    value_message,
    varint,
    vector,
)


def decode(octets: bytes, limits: Limits = DEFAULT_LIMITS) -> Dictionary:
    data = memoryview(octets)
    return DictionaryReader(data, limits, Payloads(data, limits)).read_dictionary(0, len(octets))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (Int(-5), -5),
        (Size(300), 300),
        (Float(0.5), 0.5),
        (Double(-0.1), -0.1),
        ("ß\U0001f600", "ß\U0001f600"),
        (Shape((3, 2)), NDShape((3, 2))),
        (AxisValue(-2, "staticAxisIdx=-2"), Axis(AxisKind.STATIC, -2)),
        (["a", Size(1), [True]], ("a", 1, (True,))),
        ({"inner": Size(7)}, {"inner": 7}),
    ],
)
@pytest.mark.parametrize("version", [0, 1, 2])
def test_value_of_each_type_is_read(value: Any, expected: object, version: int) -> None:
    result = decode(dictionary({"key": value}, version))["key"]
    assert result == expected
    assert type(result) is (Dictionary if isinstance(value, dict) else type(expected))


@pytest.mark.parametrize(
    ("code", "expected"),
    [(1, False), (2, 0), (3, 0), (4, 0.0), (5, 0.0), (6, ""), (7, ()), (8, Axis(AxisKind.STATIC, 0)), (9, ()), (10, {})],
)
def test_value_without_its_member_is_the_default(code: int, expected: object) -> None:
    assert decode(entry("key", number_field(2, code)))["key"] == expected


def test_array_without_its_member_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="no usable element type"):
        decode(entry("key", number_field(2, 11)))


def test_entry_without_key_and_value_is_the_empty_key_and_none() -> None:
    assert decode(bytes_field(2, b"")) == {"": None}


def test_fields_may_stand_in_any_order() -> None:
    member_first = number_field(5, 9) + number_field(2, 3) + number_field(1, 2)
    value_first = bytes_field(2, bytes_field(2, member_first) + bytes_field(1, b"key"))
    assert decode(value_first + number_field(1, 2)) == {"key": 9}


def test_padded_numbers_and_lengths_are_read() -> None:
    value = b"\x08\x82\x00\x10\x83\x00\x28\x89\x00"
    octets = b"\x12" + varint(len(value) + 8) + b"\x0a\x83\x00key\x12" + bytes([len(value)]) + value
    assert decode(octets) == {"key": 9}


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=200),
    st.integers(0, (1 << 63) - 1).map(Size),
    st.integers(-(1 << 31), (1 << 31) - 1).map(Int),
)
NESTED = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=150), inner, max_size=4), max_leaves=20
)


def plain(value: Any) -> object:
    """What the reader should make of a value of the writer."""
    if isinstance(value, (Size, Int)):
        return value.number
    if isinstance(value, list):
        return tuple(plain(element) for element in value)
    return {key: plain(inner) for key, inner in value.items()} if isinstance(value, dict) else value


@given(st.dictionaries(st.text(max_size=150), NESTED, max_size=8))
def test_nested_data_survives(content: dict[str, Any]) -> None:
    assert decode(dictionary(content)) == plain(content)


def test_repeated_entries_are_equal_and_nested_ones_keep_their_own_offset() -> None:
    result = decode(dictionary({"a": {"n": Size(1), "d": {}}, "b": {"n": Size(1), "d": {}}}))
    a, b = result["a"], result["b"]
    assert isinstance(a, Dictionary)
    assert isinstance(b, Dictionary)
    assert a == b
    inner = a["d"], b["d"]
    assert isinstance(inner[0], Dictionary)
    assert isinstance(inner[1], Dictionary)
    assert inner[0].offset < b.offset < inner[1].offset


def test_key_twice_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="a key twice") as caught:
        decode(dictionary([("key", Size(1)), ("other", Size(1)), ("key", Size(1))]))
    assert caught.value.field == "key"


@pytest.mark.parametrize(
    "value",
    [
        number_field(2, 3) + number_field(2, 3) + number_field(5, 1),
        number_field(1, 2) + number_field(1, 2) + number_field(2, 3) + number_field(5, 1),
        number_field(2, 3) + number_field(5, 1) + number_field(5, 1),
        number_field(2, 3) + number_field(5, 1) + bytes_field(8, b"also a string"),
        number_field(2, 7) + bytes_field(9, b"\x08\x02") + bytes_field(9, b"\x08\x02"),
    ],
)
def test_repeated_field_of_a_value_is_refused(value: bytes) -> None:
    with pytest.raises(InvalidModelError, match="occurs again"):
        decode(entry("key", value))


def test_repeated_key_or_value_of_an_entry_is_refused() -> None:
    key, value = bytes_field(1, b"key"), bytes_field(2, value_message(Size(1)))
    for octets in (key + key + value, key + value + value):
        with pytest.raises(InvalidModelError, match="occurs again"):
            decode(bytes_field(2, octets))


def test_repeated_version_of_a_dictionary_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="occurs again"):
        decode(number_field(1, 2) * 2)


@pytest.mark.parametrize(
    "octets",
    [
        number_field(3, 1),
        bytes_field(1, b"\x02"),  # a known field with another wire type
        bytes_field(2, bytes_field(3, b"")),
        entry("key", number_field(2, 3) + number_field(5, 1) + number_field(14, 1)),
        entry("key", number_field(2, 9) + bytes_field(11, number_field(2, 1))),
        dictionary({"key": Size(1)}) + b"\x30\x00",  # trailing bytes
    ],
)
def test_unknown_field_is_refused(octets: bytes) -> None:
    with pytest.raises(InvalidModelError, match="does not have"):
        decode(octets)


def test_unknown_type_of_value_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="unknown type of value"):
        decode(entry("key", number_field(2, 12)))


@pytest.mark.parametrize("member", [number_field(4, 1), bytes_field(8, b"text")])
def test_value_of_another_type_than_stated_is_refused(member: bytes) -> None:
    with pytest.raises(InvalidModelError, match="another type than it says"):
        decode(entry("key", number_field(1, 2) + number_field(2, 3) + member))


@pytest.mark.parametrize("octets", [number_field(1, 3), entry("key", number_field(1, 3) + number_field(2, 1))])
def test_unknown_version_is_refused_by_number(octets: bytes) -> None:
    with pytest.raises(UnsupportedVersionError, match="version 3"):
        decode(octets)


@pytest.mark.parametrize("octets", [entry(b"\xff\xfe", b""), entry("key", number_field(2, 6) + bytes_field(8, b"a\xc0\xaf"))])
def test_invalid_utf8_is_refused(octets: bytes) -> None:
    with pytest.raises(InvalidModelError, match="not valid UTF-8"):
        decode(octets)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (number_field(2, 1) + number_field(3, 2), "neither 0 nor 1"),
        (number_field(2, 2) + number_field(4, 1 << 31), "32 bits"),
        (number_field(2, 2) + number_field(4, -(1 << 31) - 1), "32 bits"),
        (number_field(2, 3) + number_field(5, 1 << 63), "out of range"),
    ],
)
def test_number_out_of_the_range_of_its_type_is_refused(value: bytes, message: str) -> None:
    with pytest.raises(InvalidModelError, match=message):
        decode(entry("key", value))


def nested(depth: int, *, vectors: bool) -> Any:
    value: Any = Size(1)
    for _ in range(depth):
        value = [value] if vectors else {"k": value}
    return value


@pytest.mark.parametrize("vectors", [True, False])
def test_nesting_is_bounded(vectors: bool) -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, nesting_depth=5)
    decode(dictionary({"key": nested(5, vectors=vectors)}), limits)
    with pytest.raises(LimitExceededError, match="nested"):
        decode(dictionary({"key": nested(6, vectors=vectors)}), limits)


def test_an_entry_seen_higher_up_does_not_slip_below_the_limit_of_nesting() -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, nesting_depth=2)
    deep: dict[str, Any] = {"v": [[Size(1)]]}
    decode(dictionary(deep), limits)
    with pytest.raises(LimitExceededError, match="nested"):
        decode(dictionary(deep | {"key": deep}), limits)


def test_nesting_of_two_thousand_levels_is_refused_before_python_gives_up() -> None:
    octets = b""
    for _ in range(2000):
        octets = number_field(2, 9) + bytes_field(11, bytes_field(1, octets))
    with pytest.raises(LimitExceededError, match="nested"):
        decode(entry("key", octets), dataclasses.replace(DEFAULT_LIMITS, nesting_depth=1 << 30))


def test_values_of_a_file_are_bounded_repeated_entries_included() -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, dictionary_values=21)
    same = {"n": Size(1), "v": [None]}  # three values, and the dictionary counts as four
    decode(dictionary(dict.fromkeys("abc", same)), limits)
    with pytest.raises(LimitExceededError, match="dictionary values"):
        decode(dictionary(dict.fromkeys("abcd", same)), limits)


@pytest.mark.parametrize(
    ("value", "weight"), [(Size(1), 1), ("text", 1), (Shape((2,)), 4), (AxisValue(1), 4), ({}, 4), (np.zeros(1, np.int8), 8)]
)
def test_value_counts_as_much_as_it_takes(value: Any, weight: int) -> None:
    content = {"key": [value] * 10}
    decode(dictionary(content), dataclasses.replace(DEFAULT_LIMITS, dictionary_values=10 * weight + 1))
    with pytest.raises(LimitExceededError, match="dictionary values"):
        decode(dictionary(content), dataclasses.replace(DEFAULT_LIMITS, dictionary_values=10 * weight))


def test_entries_of_a_dictionary_are_bounded() -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, dictionary_entries=3)
    decode(dictionary(dict.fromkeys("abc")), limits)
    with pytest.raises(LimitExceededError, match="dictionary entries"):
        decode(dictionary(dict.fromkeys("abcd")), limits)


def test_elements_of_a_vector_are_bounded() -> None:
    limits = dataclasses.replace(DEFAULT_LIMITS, vector_elements=3)
    decode(dictionary({"key": [None] * 3}), limits)
    with pytest.raises(LimitExceededError, match="vector elements"):
        decode(dictionary({"key": [None] * 4}), limits)


@pytest.mark.parametrize("octets", [entry("k" * 11, b""), dictionary({"key": "s" * 11})])
def test_length_of_strings_is_bounded(octets: bytes) -> None:
    with pytest.raises(LimitExceededError, match="string length"):
        decode(octets, dataclasses.replace(DEFAULT_LIMITS, string_bytes=10))


@pytest.mark.parametrize("cut", range(1, 40))
def test_truncated_dictionary_is_refused_or_shorter(cut: int) -> None:
    octets = dictionary({"a": Size(1), "b": {"c": "text"}, "d": [Double(1.5)]})
    try:
        result = decode(octets[:-cut])
    except InvalidModelError:
        return
    assert len(result) < 3


def test_not_a_number_is_read() -> None:
    result = decode(entry("key", number_field(2, 5) + b"\x39" + struct.pack("<d", float("nan"))))["key"]
    assert isinstance(result, float)
    assert math.isnan(result)


def test_raw_bytes_in_a_vector_are_checked_like_any_value() -> None:
    with pytest.raises(InvalidModelError, match="beyond the end"):
        decode(entry("key", number_field(2, 9) + bytes_field(11, vector([Raw(b"\x42\x7f")]))))
