"""Checkpoints: a log's name, size and root in a signed note (C2SP tlog-checkpoint)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from bridge.errors import InvalidBundleError
from bridge.trust.log.hashing import EMPTY_ROOT, HASH_BYTES
from bridge.trust.log.note import SignedNote, read_note
from bridge.trust.log.tile import GREATEST_SIZE

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log commits itself to: ``size`` entries whose Merkle tree has this ``root`` (32 bytes)."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def to_text(self) -> str:
        """The text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint with the note that it came in; nothing says yet that its signatures hold."""

    checkpoint: Checkpoint
    note: SignedNote


def read_checkpoint(data: bytes, *, what: str = "checkpoint") -> SignedCheckpoint:
    """The checkpoint in a note's bytes; ``InvalidBundleError`` where it departs from the format. Verifies no signature."""
    note = read_note(data, what=what)
    lines = note.text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise InvalidBundleError("not a checkpoint", field=what, expected="lines for origin, size and root, none of them empty")
    origin, size, encoded, *extensions = lines
    checkpoint = Checkpoint(
        origin, read_decimal(size, what=f"{what}, size"), read_hash(encoded, what=f"{what}, root"), tuple(extensions)
    )
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise InvalidBundleError("an empty log with another root than the empty tree's", field=what)
    return SignedCheckpoint(checkpoint, note)


def read_decimal(text: str, *, what: str) -> int:
    """A size or an index: decimal, without leading zeros."""
    if _DECIMAL.fullmatch(text) is None or int(text) > GREATEST_SIZE:
        raise InvalidBundleError("not a number", field=what, expected=f"decimal, 0 to {GREATEST_SIZE}", found=repr(text[:40]))
    return int(text)


def read_hash(text: str, *, what: str) -> bytes:
    """A hash in its one base64 spelling, 32 bytes."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != HASH_BYTES or base64.b64encode(value).decode() != text:
        raise InvalidBundleError("not a hash", field=what, expected="base64 of 32 bytes", found=repr(text[:60]))
    return value
