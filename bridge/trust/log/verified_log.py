"""Verifying a log, a proof, or both, by the keys that somebody trusts; from files to a result."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.errors import InvalidKeyError, InvalidOptionError, TransparencyLogError
from bridge.trust.log.audit import Audit, Progress, audit_log
from bridge.trust.log.checkpoint import Checkpoint, SignedCheckpoint, read_checkpoint
from bridge.trust.log.cosignature import Cosignature, verify_cosignatures
from bridge.trust.log.key_files import load_note_key
from bridge.trust.log.note import GREATEST_NOTE_BYTES
from bridge.trust.log.note_keys import ED25519_COSIGNATURE, NoteKey
from bridge.trust.log.opening import open_log
from bridge.trust.log.operations import one_statement
from bridge.trust.log.proof_file import LogProof, read_proof, verify_proof
from bridge.trust.log.whole_file import write_whole
from bridge.trust.small_files import StrPath, read_small_file


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """Whom a verification relies on: files with public keys of the log, and of witnesses, of whom so many have to vouch for it.

    Without ``public_keys`` no signature is looked at, which ``unsigned`` has to say in so many words.
    """

    public_keys: Sequence[StrPath] = ()
    witnesses: Sequence[StrPath] = ()
    required_witnesses: int = 0
    unsigned: bool = False

    def log_keys(self, origin: str) -> list[NoteKey]:
        """The keys of the log called ``origin``. Raises ``InvalidOptionError`` where there are none and that was not meant."""
        if not self.public_keys and not self.unsigned:
            raise InvalidOptionError(
                "nobody is trusted: give the log's --public-key, or --allow-unsigned to look at no signature"
            )
        return [load_note_key(path, name=origin) for path in self.public_keys]

    def witness_keys(self) -> list[NoteKey]:
        """The keys of the witnesses. Raises ``InvalidKeyError`` for one that is of another kind."""
        keys = [load_note_key(path, name="witness") for path in self.witnesses]
        if other := next((key for key in keys if key.algorithm != ED25519_COSIGNATURE), None):
            raise InvalidKeyError(f"the key of {other.name} is no witness's: expected a verifier key of type 04")
        return keys

    def check_witnesses(self, found: Sequence[Cosignature]) -> None:
        """Raise ``TransparencyLogError`` (``witnesses``) unless enough of them vouch for a checkpoint."""
        if len(found) < self.required_witnesses:
            names = ", ".join(item.witness for item in found) or "none"
            raise TransparencyLogError(
                "witnesses", f"{self.required_witnesses} witness(es) are asked for, and these signed: {names}"
            )


@dataclass(frozen=True, slots=True)
class VerifiedLog:
    """What was found to hold: of the log where one was named, and of the proof where one was given.

    ``signed`` says whether the log's signatures were verified.
    """

    audit: Audit | None
    proof: LogProof | None
    signed: bool
    cosignatures: tuple[Cosignature, ...]

    def to_json(self) -> dict[str, Any]:
        """The result for machines."""
        return {
            "verified": True,
            "signed": self.signed,
            "witnesses": [{"name": item.witness, "time": item.time.isoformat()} for item in self.cosignatures],
            "log": self._log_json(),
            "proof": self.proof and {"index": self.proof.index, **checkpoint_json(self.proof.checkpoint.checkpoint)},
        }

    def _log_json(self) -> dict[str, Any] | None:
        if self.audit is None:
            return None
        return {
            **checkpoint_json(self.audit.checkpoint),
            "tiles": self.audit.tiles,
            "uncommitted": list(self.audit.uncommitted),
            "continues": [checkpoint_json(checkpoint) for checkpoint in self.audit.older],
        }


def checkpoint_json(checkpoint: Checkpoint) -> dict[str, Any]:
    """A log's state for machines."""
    return {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()}


def verify_statement_proof(proof: StrPath, bundle: StrPath, trusted: TrustedKeys, *, line: int | None = None) -> VerifiedLog:
    """Verify that a log has the statement in ``bundle`` (on ``line``, from 1, where there are several), by a proof's file alone.

    Raises ``TransparencyLogError``, ``SignatureError`` or ``InvalidBundleError``.
    """
    what = str(proof)
    found = read_proof(read_small_file(proof, what="proof", most=2 * GREATEST_NOTE_BYTES), what=what)
    keys = trusted.log_keys(found.checkpoint.checkpoint.origin)
    if not keys:
        raise InvalidOptionError("a proof is worth what the signature in it is worth: give the log's --public-key")
    verify_proof(found, one_statement(bundle, line).entry, keys, what=what)
    cosignatures = _witnessed(found.checkpoint, trusted, what)
    return VerifiedLog(None, found, signed=True, cosignatures=cosignatures)


def verify_log(
    log: StrPath,
    trusted: TrustedKeys,
    *,
    since: Sequence[StrPath] = (),
    remember: StrPath | None = None,
    proven: LogProof | None = None,
    progress: Progress = lambda _done, _all: None,
) -> VerifiedLog:
    """Audit a log, which has to continue the checkpoints in the files ``since``, and that of a proof where one is given.

    ``remember`` is one more such file, which may be absent, and which holds the log's checkpoint afterwards. Raises
    ``TransparencyLogError``, ``SignatureError`` or ``InvalidBundleError``; nothing is remembered then.
    """
    known = [*since, *([remember] if remember is not None and Path(remember).exists() else [])]
    older = [(str(path), read_small_file(path, what="checkpoint", most=GREATEST_NOTE_BYTES)) for path in known]
    if proven is not None:
        older.append(("the proof's checkpoint", proven.checkpoint.note.to_bytes()))
    with closing(open_log(log)) as storage:
        origin = read_checkpoint(storage.read_checkpoint(), what=f"{storage.location}/checkpoint").checkpoint.origin
        keys = trusted.log_keys(origin)
        audit = audit_log(storage, keys=keys, witnesses=trusted.witness_keys(), older=older, progress=progress)
    trusted.check_witnesses(audit.cosignatures)
    if remember is not None:
        write_whole(Path(remember), audit.note)
    return VerifiedLog(audit, proven, signed=audit.signed_by is not None, cosignatures=audit.cosignatures)


def _witnessed(signed: SignedCheckpoint, trusted: TrustedKeys, what: str) -> tuple[Cosignature, ...]:
    found = verify_cosignatures(signed.note, trusted.witness_keys(), what=what)
    trusted.check_witnesses(found)
    return found
