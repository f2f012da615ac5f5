"""A source that is signed is verified before it is converted, and the result says by whom it was signed."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import onnx
import pytest

import bridge
from bridge.errors import IntegrityError, InvalidOptionError, PolicyError
from bridge.trust.model_signature import sign_model
from bridge.trust.policy.document import policy_for
from tests.cli.golden_folders import LENET
from tests.cli.golden_folders import bridge as command
from tests.trust.signed_models import fingerprint, new_key, policy_trusting, write_policy, write_public

SIGNER = new_key()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A signed model."""
    path = tmp_path / "model.dnn"
    shutil.copy(LENET / "model.dnn", path)
    (tmp_path / "model.dnn.sig").write_bytes(sign_model(path, SIGNER))
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / write_public(tmp_path, "key", SIGNER)


def _metadata(path: Path) -> dict[str, str]:
    return {entry.key.removeprefix("cntk_bridge.source."): entry.value for entry in onnx.load(path).metadata_props}


@pytest.mark.parametrize("target", ["onnx", "torch"])
def test_result_says_who_signed_the_source(source: Path, tmp_path: Path, target: str) -> None:
    policy = policy_trusting(tmp_path, SIGNER)
    result = bridge.convert(source, tmp_path / "out", policy=policy, target=target)
    assert result.source_verified
    assert result.source_decision is not None
    assert result.source_decision.identity is not None
    assert result.source_decision.identity.fingerprint == fingerprint(SIGNER)
    assert result.source_decision.policy_sha256 == policy.sha256
    assert result.source_evidence is not None
    assert result.source_evidence.signature == (tmp_path / "model.dnn.sig").read_bytes()
    assert result.source_sha256 == hashlib.sha256(source.read_bytes()).hexdigest()


def test_metadata_says_who_signed_the_source(source: Path, tmp_path: Path) -> None:
    policy = policy_trusting(tmp_path, SIGNER)
    bridge.convert(source, tmp_path / "out.onnx", policy=tmp_path / "policy.yaml")
    metadata = _metadata(tmp_path / "out.onnx")
    assert metadata["verified"] == "true"
    assert metadata["signer"] == SIGNER.identity
    assert metadata["signer.sha256"] == fingerprint(SIGNER)
    assert metadata["policy.sha256"] == policy.sha256


def test_same_source_and_policy_give_the_same_bytes(source: Path, tmp_path: Path) -> None:
    policy = policy_trusting(tmp_path, SIGNER)
    first, second = (bridge.convert(source, tmp_path / name, policy=policy) for name in ("a.onnx", "b.onnx"))
    assert first.sha256 == second.sha256


def test_without_a_policy_nothing_is_verified_and_the_result_says_so(source: Path, tmp_path: Path) -> None:
    result = bridge.convert(source, tmp_path / "out.onnx")
    assert (result.source_verified, result.source_decision) == (False, None)
    assert _metadata(tmp_path / "out.onnx")["verified"] == "false"


def test_changed_source_is_not_converted(source: Path, tmp_path: Path) -> None:
    policy = policy_trusting(tmp_path, SIGNER)
    source.write_bytes(source.read_bytes()[:-1] + b"\x00")
    with pytest.raises(IntegrityError, match=r"model\.dnn: not what was signed"):
        bridge.convert(source, tmp_path / "out.onnx", policy=policy)
    assert not (tmp_path / "out.onnx").exists()


def test_nothing_is_parsed_before_it_is_verified(tmp_path: Path) -> None:
    """A file that no parser would take is refused for its signature."""
    (tmp_path / "model.dnn").write_bytes(b"noise")
    with pytest.raises(PolicyError, match="rule signature"):
        bridge.convert(tmp_path / "model.dnn", tmp_path / "out.onnx", policy=policy_trusting(tmp_path, SIGNER))


def test_unsigned_source_is_allowed_explicitly_and_that_is_recorded(source: Path, tmp_path: Path) -> None:
    (tmp_path / "model.dnn.sig").unlink()
    policy = policy_trusting(tmp_path, SIGNER)
    with pytest.raises(PolicyError, match="rule signature"):
        bridge.convert(source, tmp_path / "out.onnx", policy=policy)
    result = bridge.convert(source, tmp_path / "out.onnx", policy=policy, allow_unsigned=True)
    assert not result.source_verified
    assert result.source_evidence is None
    assert result.source_decision is not None
    assert result.source_decision.unsigned
    metadata = _metadata(tmp_path / "out.onnx")
    assert (metadata["verified"], metadata["unsigned"]) == ("false", "allowed explicitly")


def test_permission_for_unsigned_sources_does_not_excuse_a_wrong_signature(source: Path, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="rule signature"):
        bridge.convert(source, tmp_path / "out.onnx", policy=policy_trusting(tmp_path, new_key()), allow_unsigned=True)


def test_permission_without_a_policy_records_that_nobody_was_asked(source: Path, tmp_path: Path) -> None:
    result = bridge.convert(source, tmp_path / "out.onnx", allow_unsigned=True)
    assert result.source_decision is not None
    assert result.source_decision.unsigned


def test_signature_without_a_policy_is_a_wrong_call(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="give one"):
        bridge.convert(source, tmp_path / "out.onnx", signature=tmp_path / "model.dnn.sig")


def test_command_wants_a_signature(source: Path, tmp_path: Path) -> None:
    finished = command("convert", source, "-o", tmp_path / "out.onnx", "--json")
    assert finished.exit_code == 3
    [model] = json.loads(finished.stdout)["models"]
    assert (model["error"], model["rule"]) == ("PolicyError", "signers")
    assert "--allow-unsigned" in model["message"]
    assert not (tmp_path / "out.onnx").exists()


def test_command_takes_a_key(source: Path, tmp_path: Path, key: Path) -> None:
    finished = command("convert", source, "-o", tmp_path / "out.onnx", "--public-key", key, "--json")
    assert finished.exit_code == 0, finished.output
    [model] = json.loads(finished.stdout)["models"]
    assert model["source_verified"] is True
    assert model["source_decision"]["identity"]["fingerprint"] == fingerprint(SIGNER)
    assert finished.stderr == ""


def test_command_takes_a_policy_and_a_signature_from_elsewhere(source: Path, tmp_path: Path) -> None:
    policy_trusting(tmp_path, SIGNER)
    (tmp_path / "model.dnn.sig").rename(tmp_path / "elsewhere.sig")
    arguments = ("convert", source, "-o", tmp_path / "out.onnx", "--policy", tmp_path / "policy.yaml")
    assert command(*arguments).exit_code == 3
    finished = command(*arguments, "--signature", tmp_path / "elsewhere.sig")
    assert finished.exit_code == 0, finished.output
    assert f"source signed by {SIGNER.identity}, accepted by the policy policy" in finished.stdout.replace("\n", " ")


def test_command_says_file_and_digests_of_what_was_changed(source: Path, tmp_path: Path, key: Path) -> None:
    signed = hashlib.sha256(source.read_bytes()).hexdigest()
    source.write_bytes(b"other")
    finished = command("convert", source, "-o", tmp_path / "out.onnx", "--public-key", key, "--json")
    assert finished.exit_code == 3
    [model] = json.loads(finished.stdout)["models"]
    assert model["file"] == str(source)
    assert model["expected"] == f"sha256:{signed}"
    assert model["computed"] == f"sha256:{hashlib.sha256(b'other').hexdigest()}"


def test_command_warns_on_standard_error_of_what_is_unsigned(source: Path, tmp_path: Path) -> None:
    finished = command("convert", source, "-o", tmp_path / "out.onnx", "--allow-unsigned", "--json")
    assert finished.exit_code == 0
    assert "warning: --allow-unsigned: 1 model(s) converted without proof of where they come from" in finished.stderr
    [model] = json.loads(finished.stdout)["models"]
    assert model["source_decision"]["unsigned"] is True


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        (("--policy", "policy.yaml", "--public-key", "key.pub"), "--policy says whom to trust"),
        (("--public-key", "nowhere.pub"), "cannot read the public key"),
        (("--policy", "wrong.yaml"), "the policy"),
    ],
)
def test_command_refuses_options_that_do_not_fit(
    source: Path, tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch, extra: tuple[str, ...], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    policy_trusting(tmp_path, SIGNER)
    write_policy(tmp_path, {"policy": 2}, "wrong.yaml")
    finished = command("convert", source, "-o", "out.onnx", *extra)
    assert finished.exit_code == 2, key
    assert sentence in finished.stderr


def test_one_signature_does_not_serve_several_models(source: Path, tmp_path: Path, key: Path) -> None:
    other = tmp_path / "other.dnn"
    shutil.copy(source, other)
    finished = command("convert", source, other, "-o", tmp_path / "out", "--public-key", key, "--signature", f"{source}.sig")
    assert finished.exit_code == 2
    assert "--signature is for one model, and there are 2" in finished.stderr


def test_several_models_are_verified_each_by_itself(source: Path, tmp_path: Path, key: Path) -> None:
    other = tmp_path / "other.dnn"
    shutil.copy(source, other)
    finished = command("convert", source, other, "-o", tmp_path / "out", "--public-key", key, "--json")
    assert finished.exit_code == 3
    verified, refused = json.loads(finished.stdout)["models"]
    assert verified["source_verified"] is True
    assert refused["rule"] == "signature"


def test_policy_command_gives_advice(tmp_path: Path) -> None:
    policy_trusting(tmp_path, SIGNER)
    finished = command("policy", "check", tmp_path / "policy.yaml", "--json")
    assert finished.exit_code == 0
    assert any("team may sign sources and packages" in sentence for sentence in json.loads(finished.stdout)["advice"])
    write_policy(tmp_path, {"policy": 1})
    assert command("policy", "check", tmp_path / "policy.yaml").exit_code == 2


def test_policy_command_explains_a_refusal(source: Path, key: Path) -> None:
    assert command("policy", "explain", source, "--public-key", key).exit_code == 0
    source.write_bytes(b"other")
    finished = command("policy", "explain", source, "--public-key", key, "--json")
    assert finished.exit_code == 3
    document = json.loads(finished.stdout)
    assert [rule["rule"] for rule in document["rules"] if rule["outcome"] == "refused"] == ["integrity"]


def test_policy_for_keys_accepts_what_the_command_does(source: Path, tmp_path: Path, key: Path) -> None:
    assert bridge.convert(source, tmp_path / "out.onnx", policy=policy_for([key])).source_verified
