"""Proving that an entry is in a log."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.errors import TransparencyLogError
from bridge.trust.log.checkpoint import read_checkpoint
from bridge.trust.log.hashing import leaf_hash
from bridge.trust.log.proof_file import LogProof
from bridge.trust.log.storage import Storage
from bridge.trust.log.tile_reader import TileReader
from bridge.trust.log.tree import inclusion_path
from bridge.trust.log.verification import verify_inclusion


def prove_entry(storage: Storage, entry: bytes) -> LogProof:
    """The proof that ``entry`` is in the log; see ``prove_entries``."""
    [proof] = prove_entries(storage, [entry])
    return proof


def prove_entries(storage: Storage, entries: Sequence[bytes]) -> tuple[LogProof, ...]:
    """The proof for each of ``entries`` that it is in the log, under its newest checkpoint.

    Raises ``TransparencyLogError`` (``absent``) where the log does not have one, or where the log is damaged on the way to it:
    a proof that nobody could verify is not handed out.
    """
    signed = read_checkpoint(storage.read_checkpoint(), what=f"{storage.location}/checkpoint")
    head = signed.checkpoint
    reader = TileReader(storage, head.size)
    places = reader.find(set(entries))
    proofs = []
    for entry in entries:
        index = places.get(entry)
        if index is None:
            raise TransparencyLogError("absent", f"{storage.location} has no entry {entry.hex()}; `bridge log append` adds it")
        path = inclusion_path(reader.nodes, index, head.size)
        verify_inclusion(leaf_hash(entry), index, head.size, path, head.root)
        proofs.append(LogProof(index, path, signed))
    return tuple(proofs)
