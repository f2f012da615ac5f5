"""The proofs that a package carries: that its signature and each of its claims are in a log, in one file beside them.

The file holds proofs (C2SP tlog-proof) one behind the other, the signature's first and then the claims' in their order. It is no
part of what is signed, since it can be made only once that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing

from bridge.errors import InvalidBundleError, TransparencyLogError
from bridge.trust.log.checkpoint import Checkpoint
from bridge.trust.log.cosignature import verify_cosignatures
from bridge.trust.log.inclusion import prove_entries
from bridge.trust.log.note_keys import NoteKey
from bridge.trust.log.opening import open_log
from bridge.trust.log.proof_file import FIRST_LINE, LogProof, read_proof, verify_proof
from bridge.trust.log.statements import statements_of
from bridge.trust.resource_names import LOG_PROOFS
from bridge.trust.small_files import StrPath

_START = f"{FIRST_LINE}\n".encode()


def prove_package(log: StrPath, package: StrPath) -> tuple[LogProof, ...]:
    """The proofs for everything that ``statements_of`` finds in the folder of a package, in that order.

    Raises ``TransparencyLogError`` (``absent``) where the log lacks any of it.
    """
    with closing(open_log(log)) as storage:
        return prove_entries(storage, [statement.entry for statement in statements_of(package)])


def write_proofs(proofs: Iterable[LogProof]) -> bytes:
    """The bytes of the file."""
    return b"".join(proof.to_bytes() for proof in proofs)


def verify_proofs(
    data: bytes, entries: Sequence[bytes], keys: Sequence[NoteKey], witnesses: Sequence[NoteKey] = (), required: int = 0
) -> tuple[Checkpoint, ...]:
    """The checkpoints that cover ``entries``, one for each, by the proofs in ``data`` and the signature of one of ``keys``.

    ``required`` is how many of ``witnesses`` have to have cosigned each of them. Raises ``TransparencyLogError``,
    ``SignatureError`` or ``InvalidBundleError``.
    """
    if not data.startswith(_START):
        raise InvalidBundleError("not a file of proofs", field=LOG_PROOFS, expected=f"'{FIRST_LINE}' on the first line")
    parts = data.removeprefix(_START).split(b"\n" + _START)
    if len(parts) != len(entries):
        found = f"{len(parts)} proof(s) for {len(entries)} statement(s)"
        raise TransparencyLogError("inclusion", f"{LOG_PROOFS} holds {found}; `bridge log prove` writes them anew")
    checkpoints = []
    for number, (part, entry) in enumerate(zip(parts, entries, strict=True), start=1):
        what = f"{LOG_PROOFS}, proof {number}"
        # The end of the line before the next proof went with the split.
        proof = read_proof(_START + part + (b"\n" if number < len(parts) else b""), what=what)
        checkpoints.append(verify_proof(proof, entry, keys, what=what))
        _witnessed(proof, witnesses, required, what)
    return tuple(checkpoints)


def _witnessed(proof: LogProof, witnesses: Sequence[NoteKey], required: int, what: str) -> None:
    found = {item.witness for item in verify_cosignatures(proof.checkpoint.note, witnesses, what=what)}
    if len(found) < required:
        names = ", ".join(sorted(found)) or "none"
        raise TransparencyLogError("witnesses", f"{what}: {required} witness(es) are asked for, and these signed: {names}")
