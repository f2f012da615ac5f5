"""A model or package as it lies on disk: files, signature and claims read together."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from bridge.errors import InvalidBundleError, UnsafePathError
from bridge.trust.model_signature import sign_model
from bridge.trust.provenance.chain import Status
from bridge.trust.provenance.chain_json import history_json
from bridge.trust.provenance.history import History, read_history
from bridge.trust.provenance.stating import state_training
from tests.trust.provenance.histories import BOTH, FACTS, STRANGER, TRAINER, evaluated


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A single file, signed, with a claim about its training."""
    path = tmp_path / "model.dnn"
    path.write_bytes(b"the model's bytes")
    (tmp_path / "model.dnn.sig").write_bytes(sign_model(path, TRAINER) + b"\n")
    state_training(path, root_of(path), FACTS, TRAINER)
    return path


def root_of(path: Path) -> str:
    return hashlib.sha256(hashlib.sha256(path.read_bytes()).digest()).hexdigest()


def failures(history: History) -> list[str]:
    return [f"{check.what}: {check.detail}" for check in history.chain.failures]


def test_signed_file_with_its_training_is_verified(model: Path) -> None:
    history = read_history(model, BOTH)
    assert history.chain.verified
    assert history.root_sha256 == root_of(model)
    assert [claim.claim.line for claim in history.chain.all_claims()] == [1, 0]


def test_changed_file_fails_and_is_named_with_both_digests(model: Path) -> None:
    before, signed = hashlib.sha256(model.read_bytes()).hexdigest(), root_of(model)
    model.write_bytes(b"other bytes, as many")
    history = read_history(model, BOTH)
    assert not history.chain.holds
    assert history.root_sha256 == signed
    (only,) = failures(history)
    assert before in only
    assert hashlib.sha256(model.read_bytes()).hexdigest() in only


def test_file_without_a_signature_is_told_from_one_that_is_signed(model: Path) -> None:
    model.with_name("model.dnn.sig").unlink()
    history = read_history(model, BOTH)
    assert history.chain.checks[0].status is Status.UNKNOWN
    assert history.chain.holds


def test_file_that_nothing_is_known_of_does_not_hold(tmp_path: Path) -> None:
    path = tmp_path / "model.dnn"
    path.write_bytes(b"bytes")
    assert failures(read_history(path, None)) == ["claims: no claim speaks of this artefact: nothing says where it comes from"]


def test_claims_of_a_file_that_was_replaced_with_its_signature_fail(model: Path) -> None:
    model.write_bytes(b"a new model")
    model.with_name("model.dnn.sig").write_bytes(sign_model(model, TRAINER))
    assert failures(read_history(model, BOTH)) == ["own claims: speaks of another artefact"]


def test_signature_by_a_stranger_is_unknown(model: Path) -> None:
    model.with_name("model.dnn.sig").write_bytes(sign_model(model, STRANGER))
    chain = read_history(model, BOTH).chain
    assert chain.holds
    assert not chain.verified


def test_damaged_signature_is_refused(model: Path) -> None:
    model.with_name("model.dnn.sig").write_bytes(b"{}")
    with pytest.raises(InvalidBundleError, match="the signature"):
        read_history(model, BOTH)


def test_claims_behind_a_link_in_a_folder_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"bytes")
    (folder / "claims.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafePathError):
        read_history(folder, BOTH)


def test_pipe_in_the_place_of_a_signature_is_refused_without_waiting(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"bytes")
    os.mkfifo(folder / "model.sig")
    with pytest.raises(UnsafePathError):
        read_history(folder, BOTH)


def test_history_is_told_to_machines(model: Path) -> None:
    document = history_json(read_history(model, BOTH))
    assert (document["holds"], document["verified"]) == (True, True)
    assert [claim["title"] for claim in document["chain"]["claims"]] == ["trained", "signed"]
    assert document["chain"]["claims"][0]["signer"]["kind"] == "key"


def test_later_claim_is_added_behind_those_that_are_there(model: Path) -> None:
    from bridge.trust.provenance.claims_files import add_claims

    before = model.with_name("model.dnn.claims.jsonl").read_bytes()
    add_claims(model, root_of(model), [evaluated(root_of(model), TRAINER)])
    after = model.with_name("model.dnn.claims.jsonl").read_bytes()
    assert after.startswith(before)
    assert read_history(model, BOTH).chain.verified


def test_claim_is_not_added_to_claims_about_other_bytes(model: Path) -> None:
    from bridge.errors import IntegrityError

    before = model.with_name("model.dnn.claims.jsonl").read_bytes()
    model.write_bytes(b"a new model")
    with pytest.raises(IntegrityError, match="give --force to replace them"):
        state_training(model, root_of(model), FACTS, TRAINER)
    assert model.with_name("model.dnn.claims.jsonl").read_bytes() == before
    state_training(model, root_of(model), FACTS, TRAINER, overwrite=True)
    model.with_name("model.dnn.sig").unlink()
    assert read_history(model, BOTH).chain.verified
