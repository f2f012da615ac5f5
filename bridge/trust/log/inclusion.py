"""Proving that an entry is in a log."""

from __future__ import annotations

from bridge.errors import TransparencyLogError
from bridge.trust.log.checkpoint import read_checkpoint
from bridge.trust.log.hashing import leaf_hash
from bridge.trust.log.proof_file import LogProof
from bridge.trust.log.storage import Storage
from bridge.trust.log.tile_reader import TileReader
from bridge.trust.log.tree import inclusion_path
from bridge.trust.log.verification import verify_inclusion


def prove_entry(storage: Storage, entry: bytes) -> LogProof:
    """The proof that ``entry`` is in the log, under its newest checkpoint.

    Raises ``TransparencyLogError`` (``absent``) where the log does not have it, or where the log is damaged on the way to it:
    a proof that nobody could verify is not handed out.
    """
    signed = read_checkpoint(storage.read_checkpoint(), what=f"{storage.location}/checkpoint")
    head = signed.checkpoint
    reader = TileReader(storage, head.size)
    index = reader.find({entry}).get(entry)
    if index is None:
        raise TransparencyLogError("absent", f"{storage.location} has no entry {entry.hex()}; `bridge log append` adds it")
    path = inclusion_path(reader.nodes, index, head.size)
    verify_inclusion(leaf_hash(entry), index, head.size, path, head.root)
    return LogProof(index, path, signed)
