"""Logs for tests: entries, a signer, and a log on either storage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.trust.log.append import append_entries
from bridge.trust.log.note_keys import NoteSigner
from bridge.trust.log.opening import create_log
from bridge.trust.log.storage import Storage

SIGNER = NoteSigner("example.org/log", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
STORAGES = ("log", "log.sqlite")
"""Names under which a log becomes a folder, and a SQLite file."""


def entry(number: int) -> bytes:
    return number.to_bytes(32, "big")


def entries(start: int, end: int) -> list[bytes]:
    return [entry(number) for number in range(start, end)]


def grown_log(path: Path, sizes: Sequence[int]) -> Storage:
    """A log that had each of these sizes after one append."""
    storage = create_log(path, SIGNER)
    for size in sizes:
        append_entries(storage, entries(0, size), SIGNER)
    return storage
