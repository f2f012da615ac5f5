"""bridge.trust.policy.logged: packages whose signature and claims have to be in a transparency log."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bridge.errors import BridgeError, InvalidKeyError, InvalidOptionError, PolicyError
from bridge.trust.explaining import explain
from bridge.trust.keys import load_public_key
from bridge.trust.log.checkpoint import read_checkpoint
from bridge.trust.log.note import NoteSignature, SignedNote
from bridge.trust.log.note_keys import ED25519_COSIGNATURE, NoteKey
from bridge.trust.log.operations import append_statements, initialise_log
from bridge.trust.log.package_proofs import prove_package, write_proofs
from bridge.trust.log.proof_file import LogProof
from bridge.trust.model_signature import verify_model
from bridge.trust.policy.advice import advice
from bridge.trust.policy.model import Policy
from bridge.trust.policy.rules import LOG, Outcome
from bridge.trust.verified import verify_file, verify_folder
from tests.cli.golden_folders import bridge
from tests.trust.signed_models import new_key, policy_trusting, signed_file, signed_package, write_public

SIGNER = new_key()
WITNESS = Ed25519PrivateKey.generate()
ORIGIN = "example.org/models"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A signed package whose signature and claim are in ``tmp_path / "log"``."""
    initialise_log(tmp_path / "log", ORIGIN, tmp_path / "log.key", None)
    folder = signed_package(tmp_path / "package", SIGNER)
    append_statements(tmp_path / "log", [folder], tmp_path / "log.key", None)
    return folder


def _policy(folder: Path, **more: Any) -> Policy:
    return policy_trusting(folder, SIGNER, log={"keys": ["log.key.pub"]} | more)


def _witness(folder: Path) -> NoteKey:
    key = NoteKey("witness.example.org", WITNESS.public_key().public_bytes_raw(), ED25519_COSIGNATURE)
    (folder / "witness.pub").write_text(f"{key.to_text()}\n", encoding="utf-8")
    return key


def _cosigned(proof: LogProof, key: NoteKey, seconds: int = 1_700_000_000) -> LogProof:
    note = proof.checkpoint.note
    signature = WITNESS.sign(f"cosignature/v1\ntime {seconds}\n{note.text}".encode())
    line = NoteSignature(key.name, key.key_id, seconds.to_bytes(8, "big") + signature)
    seen = SignedNote(note.text, (*note.signatures, line))
    return LogProof(proof.index, proof.path, read_checkpoint(seen.to_bytes(), what="checkpoint"))


def test_package_with_its_proofs_is_accepted_without_the_log(package: Path, tmp_path: Path) -> None:
    proved = bridge("log", "prove", tmp_path / "log", package, "--json")
    assert json.loads(proved.stdout)["indices"] == [0, 1]
    shutil.rmtree(tmp_path / "log")
    with verify_folder(package, _policy(tmp_path)) as folder:
        [outcome] = (outcome for outcome in folder.decision.outcomes if outcome.rule == LOG)
        assert (outcome.outcome, outcome.detail) == (Outcome.PASSED, f"2 statement(s) are in {ORIGIN}")
        assert "model.tlog-proofs" not in folder.files


def test_package_without_proofs_is_refused_by_name(package: Path, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"bridge log prove") as caught:
        verify_folder(package, _policy(tmp_path))
    assert caught.value.rule == LOG
    assert [outcome.rule for outcome in explain(package, _policy(tmp_path)).refusals] == [LOG]


def test_proofs_change_nothing_for_the_signature(package: Path, tmp_path: Path) -> None:
    bridge("log", "prove", tmp_path / "log", package)
    key = load_public_key(tmp_path / write_public(tmp_path, "signer", SIGNER))
    model = verify_model(package, (package / "model.sig").read_bytes(), key)
    assert "model.tlog-proofs" in model.left_out


def test_proofs_under_an_older_state_of_the_log_count(package: Path, tmp_path: Path) -> None:
    bridge("log", "prove", tmp_path / "log", package)
    later = signed_package(tmp_path / "later", SIGNER, {"model.onnx": b"another"})
    append_statements(tmp_path / "log", [later], tmp_path / "log.key", None)
    verify_folder(package, _policy(tmp_path)).close()


def test_statement_that_is_not_in_the_log_is_not_proved(package: Path, tmp_path: Path) -> None:
    other = signed_package(tmp_path / "other", SIGNER, {"model.onnx": b"another"})
    finished = bridge("log", "prove", tmp_path / "log", other)
    assert (finished.exit_code, "has no entry" in finished.output) == (3, True)
    assert not (other / "model.tlog-proofs").exists()
    assert package.is_dir()


def test_witnesses_have_to_have_seen_the_log(package: Path, tmp_path: Path) -> None:
    key = _witness(tmp_path)
    proofs = prove_package(tmp_path / "log", package)
    place, policy = package / "model.tlog-proofs", _policy(tmp_path, witnesses=["witness.pub"])
    place.write_bytes(write_proofs(proofs))
    with pytest.raises(PolicyError, match=r"proof 1: 1 witness\(es\) are asked for"):
        verify_folder(package, policy)
    place.write_bytes(write_proofs([_cosigned(proofs[0], key), proofs[1]]))
    with pytest.raises(PolicyError, match=r"proof 2: 1 witness\(es\) are asked for"):
        verify_folder(package, policy)
    place.write_bytes(write_proofs(_cosigned(proof, key) for proof in proofs))
    verify_folder(package, policy).close()


def test_hostile_proofs_are_refused_and_nothing_else(package: Path, tmp_path: Path) -> None:
    good = write_proofs(prove_package(tmp_path / "log", package))
    policy, place = _policy(tmp_path), package / "model.tlog-proofs"
    first = b"c2sp.org/tlog-proof@v1\n"
    for data in (b"", b"\xff" * 100, first, first * 3, first * 100_000, good[:-1], good + b"\n", good + good, b" " + good):
        place.write_bytes(data)
        with pytest.raises(PolicyError) as caught:
            verify_folder(package, policy)
        assert caught.value.rule == LOG


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"keys": ["missing.pub"]}, "missing.pub"),
        ({"keys": ["pem.pub"]}, "says whose key it is"),
        ({"keys": ["witness.pub"]}, "of type 01"),
        ({"witnesses": ["log.key.pub"]}, "of type 04"),
        ({"witnesses": ["witness.pub"], "required-witnesses": 2}, "2, of 1 witness"),
        ({"keys": []}, "log.keys"),
    ],
)
def test_policy_with_keys_that_do_not_serve_is_refused(
    package: Path, tmp_path: Path, rules: dict[str, object], says: str
) -> None:
    _witness(tmp_path)
    pem = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "pem.pub").write_bytes(pem)
    with pytest.raises((InvalidKeyError, InvalidOptionError), match=says) as caught:
        _policy(tmp_path, **rules)
    assert isinstance(caught.value, BridgeError)
    assert package.is_dir()


def test_sources_are_not_asked_for_proofs(package: Path, tmp_path: Path) -> None:
    assert package.is_dir()
    source = signed_file(tmp_path / "source", SIGNER)
    with verify_file(source, _policy(tmp_path)) as verified:
        [outcome] = (outcome for outcome in verified.decision.outcomes if outcome.rule == LOG)
    assert outcome.outcome is Outcome.NOT_APPLIED


def test_advice_asks_for_witnesses(package: Path, tmp_path: Path) -> None:
    assert package.is_dir()
    assert any("witness" in sentence for sentence in advice(_policy(tmp_path)))
    _witness(tmp_path)
    assert not any("witness" in sentence for sentence in advice(_policy(tmp_path, witnesses=["witness.pub"])))
