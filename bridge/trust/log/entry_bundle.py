"""Entry bundles: up to 256 entries, each behind its length as a big-endian uint16 (C2SP tlog-tiles)."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.errors import InvalidBundleError
from bridge.trust.log.tile import TILE_WIDTH

GREATEST_ENTRY_BYTES = 0xFFFF
GREATEST_BUNDLE_BYTES = TILE_WIDTH * (2 + GREATEST_ENTRY_BYTES)


def encode_entries(entries: Sequence[bytes]) -> bytes:
    """One bundle of ``entries``, each at most 65,535 bytes."""
    for entry in entries:
        if len(entry) > GREATEST_ENTRY_BYTES:
            raise ValueError(f"an entry of {len(entry)} bytes, more than {GREATEST_ENTRY_BYTES}")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_entries(data: bytes, width: int, *, what: str) -> list[bytes]:
    """The ``width`` entries of a bundle called ``what``; ``InvalidBundleError`` where it does not hold exactly so many."""
    entries: list[bytes] = []
    offset = 0
    while offset < len(data):
        if len(entries) == width:
            raise InvalidBundleError(f"bytes behind the last of {width} entries", field=what, found=f"offset {offset}")
        start = offset + 2
        end = start + int.from_bytes(data[offset:start], "big")
        if start > len(data) or end > len(data):
            raise InvalidBundleError("an entry is cut off", field=what, found=f"offset {offset} of {len(data)} bytes")
        entries.append(data[start:end])
        offset = end
    if len(entries) != width:
        raise InvalidBundleError("entries are missing", field=what, expected=str(width), found=str(len(entries)))
    return entries
