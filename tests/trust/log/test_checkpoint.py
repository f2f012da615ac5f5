"""Checkpoints, cosignatures and the text of proofs."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.errors import InvalidBundleError, SignatureError, TransparencyLogError
from bridge.trust.log.checkpoint import Checkpoint, SignedCheckpoint, read_checkpoint
from bridge.trust.log.cosignature import Cosignature, verify_cosignatures
from bridge.trust.log.hashing import leaf_hash
from bridge.trust.log.note import NoteSignature, SignedNote, sign_note
from bridge.trust.log.note_keys import ED25519_COSIGNATURE, NoteKey, NoteSigner
from bridge.trust.log.proof_file import LogProof, read_proof, verify_proof
from bridge.trust.log.tree import inclusion_path, nodes_of, root

SIGNER = NoteSigner("example.org/log", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
WITNESS_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(7, 39)))
WITNESS = NoteKey("witness.example.org", WITNESS_KEY.public_key().public_bytes_raw(), ED25519_COSIGNATURE)
ENTRIES = [bytes([number]) * 32 for number in range(5)]
NODES = nodes_of([leaf_hash(entry) for entry in ENTRIES])
CHECKPOINT = Checkpoint("example.org/log", 5, root(NODES, 5))
ROOT = base64.b64encode(CHECKPOINT.root).decode()


def signed(checkpoint: Checkpoint, signer: NoteSigner = SIGNER) -> SignedCheckpoint:
    return SignedCheckpoint(checkpoint, sign_note(checkpoint.to_text(), signer))


def proof_of(index: int) -> LogProof:
    return LogProof(index, inclusion_path(NODES, index, 5), signed(CHECKPOINT))


def test_checkpoint_is_read_as_it_was_written() -> None:
    checkpoint = Checkpoint("example.org/log", 5, CHECKPOINT.root, ("one extension", "another"))
    assert read_checkpoint(signed(checkpoint).note.to_bytes()) == signed(checkpoint)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"o\n5\n{ROOT}\n\nx\n", "none of them empty"),
        ("o\n5\n", "lines for origin"),
        (f"\n5\n{ROOT}\n", "none of them empty"),
        (f"o\n05\n{ROOT}\n", "not a number"),
        (f"o\n-5\n{ROOT}\n", "not a number"),
        (f"o\n٥\n{ROOT}\n", "not a number"),
        (f"o\n9999999999999999999\n{ROOT}\n", "not a number"),
        (f"o\n5\n{ROOT[:-4]}\n", "not a hash"),
        (f"o\n5\n{ROOT} \n", "not a hash"),
        (f"o\n0\n{ROOT}\n", "an empty log with another root"),
    ],
)
def test_other_text_is_no_checkpoint(text: str, sentence: str) -> None:
    with pytest.raises(InvalidBundleError, match=sentence):
        read_checkpoint(sign_note(text, SIGNER).to_bytes())


def cosigned(seconds: int, *, text: str | None = None) -> SignedNote:
    note = signed(CHECKPOINT).note
    signature = WITNESS_KEY.sign(f"cosignature/v1\ntime {seconds}\n{text or note.text}".encode())
    line = NoteSignature(WITNESS.name, WITNESS.key_id, seconds.to_bytes(8, "big") + signature)
    return SignedNote(note.text, (*note.signatures, line))


def test_cosignature_says_which_witness_and_when() -> None:
    found = verify_cosignatures(cosigned(1_700_000_000), [WITNESS], what="checkpoint")
    assert found == (Cosignature("witness.example.org", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),)


def test_published_cosignature_form_is_read_beside_the_logs_own() -> None:
    assert read_checkpoint(cosigned(1_700_000_000).to_bytes()).checkpoint == CHECKPOINT


@pytest.mark.parametrize("note", [cosigned(1, text="other\n"), cosigned(1 << 60)], ids=["other text", "far future"])
def test_forged_cosignature_is_refused(note: SignedNote) -> None:
    with pytest.raises(SignatureError, match="cosignature of the witness"):
        verify_cosignatures(note, [WITNESS], what="checkpoint")


def test_unknown_witness_counts_for_nothing() -> None:
    stranger = NoteKey("other.example.org", WITNESS.public_key, ED25519_COSIGNATURE)
    assert verify_cosignatures(cosigned(1), [stranger], what="checkpoint") == ()


@pytest.mark.parametrize("index", range(5))
def test_proof_is_read_as_it_was_written_and_holds(index: int) -> None:
    proof = read_proof(proof_of(index).to_bytes())
    assert proof == proof_of(index)
    assert verify_proof(proof, ENTRIES[index], [SIGNER.key]) == CHECKPOINT


def test_proof_of_one_entry_is_none_of_another() -> None:
    with pytest.raises(TransparencyLogError, match="the path leads to"):
        verify_proof(proof_of(2), ENTRIES[3], [SIGNER.key])


def test_key_is_trusted_for_its_own_log_alone() -> None:
    elsewhere = Checkpoint("example.org/other", 5, CHECKPOINT.root)
    proof = LogProof(0, inclusion_path(NODES, 0, 5), signed(elsewhere))
    with pytest.raises(TransparencyLogError, match=r"signed by the key of 'example\.org/log'"):
        verify_proof(proof, ENTRIES[0], [SIGNER.key])


def test_extra_data_comes_along() -> None:
    proof = LogProof(1, inclusion_path(NODES, 1, 5), signed(CHECKPOINT), b"anything")
    assert b"\nextra YW55dGhpbmc=\n" in proof.to_bytes()
    assert read_proof(proof.to_bytes()) == proof


def test_every_changed_byte_of_a_proof_is_found() -> None:
    whole = proof_of(2).to_bytes()
    for place in range(len(whole)):
        for flip in (1, 0x40):
            changed = bytearray(whole)
            changed[place] ^= flip
            with pytest.raises((InvalidBundleError, SignatureError, TransparencyLogError)):
                verify_proof(read_proof(bytes(changed)), ENTRIES[2], [SIGNER.key])


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (b"tlog-proof@v1", b"tlog-proof@v2", "on the first line"),
        (b"index 2", b"index 02", "not a number"),
        (b"index 2", b"place 2", "without an index"),
        (b"index 2\n", b"index 2\nextra eA==\n", "not a hash"),
        (b"\nindex 2", b"\nextra ====\nindex 2", "not base64"),
        (b"index 2\n", b"index 2\n" + (ROOT.encode() + b"\n") * 64, "too many hashes"),
        (b"\n\n", b"\n", "hash"),
        (b"index", b"ind\xc3\xa9x", "not a proof"),
    ],
)
def test_other_form_is_no_proof(old: bytes, new: bytes, sentence: str) -> None:
    with pytest.raises(InvalidBundleError, match=sentence):
        read_proof(proof_of(2).to_bytes().replace(old, new, 1))
