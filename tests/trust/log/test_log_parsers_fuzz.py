"""Checkpoints, proofs, keys, tiles' paths and entry bundles of any bytes: read, or refused with an error of ours."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.errors import BridgeError
from bridge.trust.log.checkpoint import Checkpoint, SignedCheckpoint, read_checkpoint
from bridge.trust.log.entry_bundle import decode_entries, encode_entries
from bridge.trust.log.hashing import leaf_hash
from bridge.trust.log.note import sign_note
from bridge.trust.log.note_keys import NoteKey, NoteSigner
from bridge.trust.log.proof_file import LogProof, read_proof, verify_proof
from bridge.trust.log.tile import Tile
from bridge.trust.log.tree import inclusion_path, nodes_of, root
from tests.fuzz.byte_mutations import mutate_bytes

SIGNER = NoteSigner("example.org/log", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
ENTRIES = [bytes([number]) * 32 for number in range(5)]
NODES = nodes_of([leaf_hash(entry) for entry in ENTRIES])
CHECKPOINT = Checkpoint("example.org/log", 5, root(NODES, 5))
SIGNED = SignedCheckpoint(CHECKPOINT, sign_note(CHECKPOINT.to_text(), SIGNER))
PROOF = LogProof(2, inclusion_path(NODES, 2, 5), SIGNED, b"extra").to_bytes()


def read_text(reader: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda data: reader(data.decode(errors="surrogateescape"))


PARSERS: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "checkpoint": (SIGNED.note.to_bytes(), read_checkpoint),
    "proof": (PROOF, lambda data: verify_proof(read_proof(data), ENTRIES[2], [SIGNER.key])),
    "key": (SIGNER.key.to_text().encode(), read_text(NoteKey.from_text)),
    "tile": (b"tile/entries/x001/x234/067.p/8", read_text(Tile.from_path)),
    "entries": (encode_entries(ENTRIES), lambda data: decode_entries(data, 5, what="bundle")),
}


def accepted_of(name: str, count: int) -> int:
    """How many of ``count`` mutations were accepted; anything but an error of ours ends the test."""
    sound, parse = PARSERS[name]
    parse(sound)
    rng = Random(name)  # noqa: S311 - mutations, not keys
    accepted = 0
    for _ in range(count):
        data = mutate_bytes(sound, [PROOF], rng)
        try:
            parse(data)
        except BridgeError:
            continue
        accepted += 1
    return accepted


@pytest.mark.parametrize("name", PARSERS)
def test_mutated_bytes_are_refused_or_read(name: str) -> None:
    assert accepted_of(name, 1_000) < 1_000


@pytest.mark.slow
@pytest.mark.parametrize("name", PARSERS)
def test_100000_mutations_are_refused_or_read(name: str) -> None:
    assert accepted_of(name, 100_000) < 100_000
