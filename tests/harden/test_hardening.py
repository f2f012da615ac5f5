from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

pytest.importorskip("torch")

import torch
from typer.testing import CliRunner

import bridge
from bridge.cli.app import app
from bridge.errors import IntegrityError, InvalidInputsError, InvalidOptionError, TrustError
from bridge.harden.hardening import Hardened, harden
from bridge.harden.options import DISTILLATION_WARNING, HardenOptions, Method
from bridge.harden.statement import HARDENING_BUILD
from bridge.package.verification import verify_package
from bridge.trust.policy.document import policy_for
from bridge.trust.provenance.history import read_history
from tests.harden.digits import GOLDEN, QUICK, some_digits
from tests.package.packages import packaged, signed_source
from tests.trust.provenance.histories import BOTH, CONVERTER, STRANGER

OPTIONS = HardenOptions(CONVERTER, Method.FAST, QUICK, smoke=False)


@pytest.fixture(scope="module", autouse=True)
def own_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Policies remember the versions that they accepted: here, for these tests alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed package of the digits' network, with the key that signed it and the samples beside it."""
    folder = tmp_path_factory.mktemp("parent")
    packaged(signed_source("digits_lenet", folder / "source"), folder / "package")
    samples = some_digits(300)
    np.savez(folder / "digits.npz", x=samples.x, y=samples.y)
    (folder / "key.pub").write_bytes(CONVERTER.public_key_pem())
    return folder


def trusting(parent: Path) -> HardenOptions:
    return replace(OPTIONS, policy=policy_for([parent / "key.pub"], []), source=parent / "source" / "model.dnn")


@pytest.fixture(scope="module")
def hardened(parent: Path) -> Hardened:
    return harden(parent / "package", parent / "digits.npz", parent / "hardened", trusting(parent))


def test_the_new_package_verifies_and_names_its_parent(parent: Path, hardened: Hardened) -> None:
    found = verify_package(hardened.path, BOTH)
    assert found.model.root_digest == hardened.root_sha256
    assert found.chain.verified
    (made,) = [claim for claim in found.chain.root.claims if claim.step is not None]
    assert made.step is not None
    assert made.step.build_type == HARDENING_BUILD
    assert made.step.parameters["method"] == "fast"
    (source,) = made.sources
    assert source.name == "package"
    assert source.sha256 == verify_package(parent / "package", BOTH).model.root_digest
    assert any(claim.step is not None and claim.step.is_conversion for claim in source.claims)


def test_the_parents_claims_are_handed_on_unchanged(parent: Path, hardened: Hardened) -> None:
    before = (parent / "package" / "claims.jsonl").read_bytes().splitlines()
    after = (hardened.path / "claims.jsonl").read_bytes().splitlines()
    assert after[: len(before)] == before
    assert after[len(before)] == (parent / "package" / "model.sig").read_bytes().strip()


def test_the_interface_is_the_parents_but_for_digests(parent: Path, hardened: Hardened) -> None:
    old, new = (json.loads((folder / "interface.json").read_bytes()) for folder in (parent / "package", hardened.path))
    assert old["sha256"] != new["sha256"]
    assert {name: old[name] for name in ("inputs", "outputs", "symbols", "limits")} == {
        name: new[name] for name in ("inputs", "outputs", "symbols", "limits")
    }
    assert new["metadata"]["cntk_bridge.source.sha256"] == old["metadata"]["cntk_bridge.source.sha256"]


def test_the_new_model_is_served_by_the_loader_and_its_twin_computes_the_same(parent: Path, hardened: Hardened) -> None:
    x = some_digits(8).x
    model = bridge.load(hardened.path, policy=policy_for([parent / "key.pub"], []))
    found = model.run({"image": x})["z"]
    model.close()
    twin = bridge.load_torch(hardened.path / "twin", allow_unsigned=True)
    with torch.no_grad():
        assert np.allclose(twin(image=torch.tensor(x))["z"].numpy(), found, atol=1e-4)
    old = onnxruntime.InferenceSession(parent / "package" / "model.onnx").run(None, {"image": x})[0]
    assert np.abs(found - old).max() > 0.1
    assert hardened.equivalence.holds


def test_the_report_has_both_sides_and_the_claims_bear_their_digests(hardened: Hardened) -> None:
    document = json.loads((hardened.path / "reports" / "hardening.json").read_bytes())
    assert document["method"] == "fast"
    assert document["after"]["samples"] == sum(item["samples"] for item in document["before"]["classes"])
    assert document["networks"][0]["measured_by"] == "robust accuracy"
    assert document["training"]["epsilon"] == QUICK.epsilon
    assert "| robust accuracy |" in (hardened.path / "reports" / "hardening.md").read_text()


def test_a_report_that_was_changed_breaks_the_package(hardened: Hardened, tmp_path: Path) -> None:
    shutil.copytree(hardened.path, tmp_path / "copy")
    report = tmp_path / "copy" / "reports" / "hardening.json"
    report.write_text(report.read_text().replace('"fast"', '"trades"'))
    with pytest.raises(IntegrityError):
        verify_package(tmp_path / "copy", BOTH)


def test_a_hardened_package_can_be_hardened_again_from_its_own_graph(parent: Path, hardened: Hardened, tmp_path: Path) -> None:
    options = replace(trusting(parent), source=None, method=Method.SMOOTHING, certified=3, votes=60, sigmas=(0.125, 0.25))
    again = harden(hardened.path, parent / "digits.npz", tmp_path / "again", options)
    chain = verify_package(again.path, BOTH).chain
    assert chain.verified
    certificates = json.loads((again.path / "reports" / "certificates.json").read_bytes())
    interface = json.loads((again.path / "interface.json").read_bytes())
    assert certificates["model_sha256"] == interface["sha256"]["model.onnx"]
    assert certificates["samples"] == 3
    assert [curve["sigma"] for curve in certificates["curves"]] == [0.125, 0.25]
    assert again.report.more["smoothing"]["curves"][1]["ceiling"] == certificates["curves"][1]["ceiling"]
    assert (again.path / "reports" / "certificates.html").read_text().count("<polyline") == 2


def test_an_ensemble_becomes_one_package_with_its_disagreement(parent: Path, tmp_path: Path) -> None:
    training = replace(QUICK, members=2)
    options = replace(trusting(parent), method=Method.ENSEMBLE, training=training)
    made = harden(parent / "package", parent / "digits.npz", tmp_path / "ensemble", options)
    assert made.equivalence.holds
    interface = json.loads((made.path / "interface.json").read_bytes())
    assert [output["name"] for output in interface["outputs"]] == ["z", "disagreement"]
    found = onnxruntime.InferenceSession(made.path / "model.onnx").run(["disagreement"], {"image": some_digits(5).x})[0]
    assert found.shape == (5,)
    assert len(made.report.histories) == 2


@pytest.mark.slow
def test_the_smoke_test_is_run_on_the_result_and_stated(parent: Path, tmp_path: Path) -> None:
    options = replace(trusting(parent), smoke=True, smoke_samples=20)
    made = harden(parent / "package", parent / "digits.npz", tmp_path / "tested", options)
    assert made.robustness is not None
    assert made.robustness.results[0].worst is not None
    assert json.loads((made.path / "reports" / "robustness.json").read_bytes())["verdict"] == made.robustness.verdict.value
    claims = verify_package(made.path, BOTH).chain.root.claims
    kinds = {claim.claim.statement.predicate.get("cntkbridge_kind") for claim in claims}
    assert {"robustness", "hardening", "twin-equivalence"} <= kinds
    assert read_history(made.path, BOTH).chain.verified
    assert (made.path / "reports" / "robustness.html").is_file()


def test_distillation_is_written_with_its_warning(parent: Path, tmp_path: Path) -> None:
    made = harden(
        parent / "package", parent / "digits.npz", tmp_path / "distilled", replace(trusting(parent), method=Method.DISTILLATION)
    )
    assert made.report.warning == DISTILLATION_WARNING
    assert DISTILLATION_WARNING in (made.path / "reports" / "hardening.md").read_text()
    claims = [json.loads(line) for line in (made.path / "claims.jsonl").read_bytes().splitlines()]
    assert claims
    results = [
        claim.claim.statement.predicate
        for claim in verify_package(made.path, BOTH).chain.root.claims
        if claim.claim.statement.predicate.get("cntkbridge_kind") == "hardening"
    ]
    assert [result["result"] for result in results] == ["WARNED"]


def test_a_parent_that_nobody_trusted_has_signed_is_refused(parent: Path, tmp_path: Path) -> None:
    (tmp_path / "stranger.pub").write_bytes(STRANGER.public_key_pem())
    options = replace(trusting(parent), policy=policy_for([tmp_path / "stranger.pub"], []))
    with pytest.raises(TrustError):
        harden(parent / "package", parent / "digits.npz", tmp_path / "new", options)
    assert not (tmp_path / "new").exists()


def test_another_source_and_samples_that_do_not_fit_are_refused(parent: Path, tmp_path: Path) -> None:
    other = replace(trusting(parent), source=GOLDEN / "resnet20" / "model.dnn")
    with pytest.raises(InvalidOptionError, match="converted from a file with"):
        harden(parent / "package", parent / "digits.npz", tmp_path / "new", other)
    np.savez(tmp_path / "wide.npz", x=np.zeros((60, 3, 8, 8), np.float32), y=np.arange(60) % 10)
    with pytest.raises(InvalidInputsError, match="expects"):
        harden(parent / "package", tmp_path / "wide.npz", tmp_path / "new", trusting(parent))
    assert not (tmp_path / "new").exists()


def test_the_command_writes_a_package_and_tells_what_came_of_it(parent: Path, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(private_pem())
    key.chmod(0o600)
    command = [
        "harden",
        str(parent / "package"),
        "--data",
        str(parent / "digits.npz"),
        "-o",
        str(tmp_path / "new"),
        "--eps",
        "0.15",
    ]
    command += ["--method", "fast", "--epochs", "1", "--no-smoke", "--sign-key", str(key), "--json"]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 3
    done = CliRunner().invoke(app, [*command, "--public-key", str(parent / "key.pub")])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["twin_equivalence"] == "equivalent"
    assert document["hardening"]["training"]["low"] == 0.0
    assert (tmp_path / "new" / "model.sig").is_file()


def private_pem() -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
