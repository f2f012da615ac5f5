"""Cosignatures: a witness says when it saw a checkpoint, and that it follows all it saw before (C2SP tlog-cosignature)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from bridge.errors import SignatureError
from bridge.trust.log.note import SignedNote
from bridge.trust.log.note_keys import ED25519_COSIGNATURE, NoteKey

_TIME_BYTES = 8
_LATEST = 253_402_300_799  # The end of the year 9999, beyond which datetime does not go.


@dataclass(frozen=True, slots=True)
class Cosignature:
    """Which witness vouches for a checkpoint, and since when."""

    witness: str
    time: datetime


def verify_cosignatures(note: SignedNote, witnesses: Iterable[NoteKey], *, what: str) -> tuple[Cosignature, ...]:
    """The witnesses among ``witnesses`` that cosigned the checkpoint in ``note``, each once.

    Raises ``SignatureError`` where a line says that it is by one of them, and is not. How many are enough is for the caller.
    """
    found: list[Cosignature] = []
    for key in witnesses:
        times: list[datetime] = []
        for line in note.signatures:
            if key.algorithm != ED25519_COSIGNATURE or not line.is_by(key):
                continue
            seconds = int.from_bytes(line.signature[:_TIME_BYTES], "big")
            message = f"cosignature/v1\ntime {seconds}\n{note.text}".encode()
            if seconds > _LATEST or not key.verifies(line.signature[_TIME_BYTES:], message):
                raise SignatureError(f"{what}: the cosignature of the witness {key.name} does not fit the text")
            times.append(datetime.fromtimestamp(seconds, UTC))
        if times:
            found.append(Cosignature(key.name, max(times)))
    return tuple(found)
