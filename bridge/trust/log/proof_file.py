"""Proofs that an entry is in a log, as text that needs nothing else but the log's public key (C2SP tlog-proof)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass

from bridge.errors import InvalidBundleError, TransparencyLogError
from bridge.trust.log.checkpoint import Checkpoint, SignedCheckpoint, read_checkpoint, read_decimal, read_hash
from bridge.trust.log.hashing import leaf_hash
from bridge.trust.log.note import GREATEST_NOTE_BYTES, verify_note
from bridge.trust.log.note_keys import NoteKey
from bridge.trust.log.verification import verify_inclusion

FIRST_LINE = "c2sp.org/tlog-proof@v1"
GREATEST_PATH = 63  # Hashes; a tree has no more levels.
_GREATEST_PROOF_BYTES = 2 * GREATEST_NOTE_BYTES


@dataclass(frozen=True, slots=True)
class LogProof:
    """That an entry stands at ``index`` in the tree of ``checkpoint``, by the ``path`` from its leaf up.

    ``extra`` is whatever came along; nothing vouches for it.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: SignedCheckpoint
    extra: bytes = b""

    def to_bytes(self) -> bytes:
        """The proof as text."""
        extra = [f"extra {base64.b64encode(self.extra).decode()}"] if self.extra else []
        lines = [FIRST_LINE, *extra, f"index {self.index}", *(base64.b64encode(step).decode() for step in self.path)]
        return "".join(f"{line}\n" for line in (*lines, "")).encode() + self.checkpoint.note.to_bytes()


def read_proof(data: bytes, *, what: str = "proof") -> LogProof:
    """The proof in ``data``; ``InvalidBundleError`` where it departs from the format. Verifies nothing."""
    if len(data) > _GREATEST_PROOF_BYTES:
        raise InvalidBundleError("too long for a proof", field=what, expected=f"at most {_GREATEST_PROOF_BYTES} bytes")
    head, separator, note = data.partition(b"\n\n")
    if not separator or not head.isascii():
        raise InvalidBundleError(
            "not a proof", field=what, expected=f"'{FIRST_LINE}', an index, hashes, an empty line, a checkpoint"
        )
    lines = head.decode("ascii").split("\n")
    if lines.pop(0) != FIRST_LINE:
        raise InvalidBundleError("not a proof", field=what, expected=f"'{FIRST_LINE}' on the first line")
    extra = _extra(lines.pop(0), what) if lines and lines[0].startswith("extra ") else b""
    if not lines or not lines[0].startswith("index "):
        raise InvalidBundleError("a proof without an index", field=what)
    index = read_decimal(lines.pop(0).removeprefix("index "), what=f"{what}, index")
    if len(lines) > GREATEST_PATH:
        raise InvalidBundleError("too many hashes", field=what, expected=f"at most {GREATEST_PATH}", found=str(len(lines)))
    path = tuple(read_hash(line, what=f"{what}, hash {place}") for place, line in enumerate(lines))
    return LogProof(index, path, read_checkpoint(note, what=f"{what}, checkpoint"), extra)


def _extra(line: str, what: str) -> bytes:
    text = line.removeprefix("extra ")
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if not value or base64.b64encode(value).decode() != text:
        raise InvalidBundleError("not base64", field=f"{what}, extra", found=repr(text[:60]))
    return value


def verify_proof(proof: LogProof, entry: bytes, keys: Iterable[NoteKey], *, what: str = "proof") -> Checkpoint:
    """The checkpoint that covers ``entry``, if one of ``keys`` signed it and the path leads from the entry to its root.

    Raises ``SignatureError`` or ``TransparencyLogError``. A key is trusted for the log of its own name alone.
    """
    checkpoint = proof.checkpoint.checkpoint
    key = verify_note(proof.checkpoint.note, keys, what=f"{what}, checkpoint")
    if key.name != checkpoint.origin:
        raise TransparencyLogError("origin", f"{what}: a checkpoint of {checkpoint.origin!r}, signed by the key of {key.name!r}")
    verify_inclusion(leaf_hash(entry), proof.index, checkpoint.size, proof.path, checkpoint.root)
    return checkpoint
