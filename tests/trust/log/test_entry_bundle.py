"""Entry bundles: exactly the entries that are stated, or none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidBundleError
from bridge.trust.log.entry_bundle import decode_entries, encode_entries


def test_entries_stand_behind_their_lengths() -> None:
    assert encode_entries([b"a", b"", b"xyz"]) == b"\x00\x01a\x00\x00\x00\x03xyz"


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_what_is_encoded_is_decoded(entries: list[bytes]) -> None:
    assert decode_entries(encode_entries(entries), len(entries), what="bundle") == entries


@pytest.mark.parametrize(
    ("data", "width", "sentence"),
    [
        (b"\x00\x01", 1, "cut off"),
        (b"\x00", 1, "cut off"),
        (b"\x00\x02a", 1, "cut off"),
        (b"", 1, "missing"),
        (b"\x00\x01a", 2, "missing"),
        (b"\x00\x01a\x00\x01b", 1, "behind the last"),
        (b"\x00\x01a\x00", 1, "behind the last"),
    ],
)
def test_bundle_of_other_length_is_refused(data: bytes, width: int, sentence: str) -> None:
    with pytest.raises(InvalidBundleError, match=sentence):
        decode_entries(data, width, what="tile/entries/000")


def test_entry_beyond_its_length_field_is_not_written() -> None:
    with pytest.raises(ValueError, match="65536 bytes"):
        encode_entries([bytes(65536)])
