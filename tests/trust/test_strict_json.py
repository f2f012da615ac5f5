"""bridge.trust.strict_json: what two parsers could read differently, and what would exhaust one, is refused with its path."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidBundleError
from bridge.trust.strict_json import JsonLimits, parse

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)


@given(_VALUES)
def test_what_json_can_say_is_read_as_it_was_written(value: object) -> None:
    assert parse(json.dumps(value, ensure_ascii=False).encode("utf-8"), what="text") == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"a": 1, "a": 2}', r"the key 'a' stands twice"),
        (b'{"x": [{"a": 1, "b": 0, "a": 1}]}', r"twice in one object in x\[0\]"),
        (b'{"a": 1, "\\u0061": 2}', "twice"),
        (b'{"a": NaN}', "NaN is no JSON number in a"),
        (b"[-Infinity]", "Infinity"),
        (b'{"a": 1e999}', "beyond double precision"),
        (b"[9223372036854775808]", "beyond 64 bits"),
        (b"[" + b"9" * 5000 + b"]", "a number of 5000 characters"),
        (b"[0." + b"0" * 5000 + b"]", "a number of 5002 characters"),
        (b'{"a": "\\ud800"}', "half of a surrogate pair in a"),
        (b'{"\\udc00": 1}', "half of a surrogate pair"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b"", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b'{"a": "\n"}', "not JSON"),
        (b"[" * 33 + b"]" * 33, "nested too deeply"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_ambiguous_or_excessive_text_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(InvalidBundleError, match=reason):
        parse(text, what="text")


def test_path_of_the_fault_is_told() -> None:
    with pytest.raises(InvalidBundleError) as caught:
        parse(b'{"a": [0, {"b c": {"d": NaN}}]}', what="text")
    assert caught.value.field == "a[1].'b c'.d"


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (JsonLimits(bytes=10), b'"0123456789"'),
        (JsonLimits(string_characters=3), b'["0123"]'),
        (JsonLimits(string_characters=3), b'{"0123": 0}'),
        (JsonLimits(values=3), b"[1,2,3,4]"),
        (JsonLimits(depth=1), b"[[]]"),
        (JsonLimits(number_characters=3), b"[1000]"),
    ],
)
def test_every_bound_is_enforced(limits: JsonLimits, text: bytes) -> None:
    with pytest.raises(InvalidBundleError):
        parse(text, what="text", limits=limits)


def test_a_million_brackets_are_refused_at_once() -> None:
    start = time.process_time()
    with pytest.raises(InvalidBundleError, match="too many values"):
        parse(b"[" + b"[]," * 10_000_000 + b"[]]", what="text")
    assert time.process_time() - start < 1
