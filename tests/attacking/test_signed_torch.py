"""PyTorch packages as target and as twin: their code is run, so the policy decides, as it does of what is served."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bridge
from bridge.attacking import AttackOptions, attack
from bridge.attacking.attacking import attacked
from bridge.attacking.statement import state_robustness
from bridge.errors import IntegrityError, PolicyError, SignatureError
from bridge.package.verification import verify_package
from bridge.package.writing import Package
from tests.package.packages import GOLDEN, packaged
from tests.trust.provenance.histories import BOTH, CONVERTER, TRAINER
from tests.trust.signed_models import policy_trusting
from verify.robustness.document import Verdict

LENET = GOLDEN / "digits_lenet" / "model.dnn"
OPTIONS = AttackOptions(low=0, high=1, epsilon=0.1, limit=2)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return packaged(LENET, tmp_path_factory.mktemp("torch") / "package", target="torch")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("data") / "digits.npz"
    with np.load(GOLDEN / "digits_lenet" / "tensors.npz") as recorded:
        np.savez(file, x=recorded["input/0"], y=recorded["output/0"].argmax(axis=1))
    return file


def test_a_signed_package_is_attacked_under_the_policy_and_can_be_stated(made: Package, data: Path, tmp_path: Path) -> None:
    package = Path(shutil.copytree(made.path, tmp_path / "package"))
    found = attacked(package, data, replace(OPTIONS, policy=policy_trusting(tmp_path, CONVERTER)))
    assert found.report.verdict is Verdict.PASS
    assert found.root_sha256 == made.root_sha256
    assert [model.sha256 for model in found.report.models] == [made.root_sha256]
    state_robustness(package, found.root_sha256, found.report, CONVERTER)
    kinds = {claim.claim.statement.predicate.get("cntkbridge_kind") for claim in verify_package(package, BOTH).chain.root.claims}
    assert "robustness" in kinds


def test_a_signed_twin_takes_no_leave_to_run_unsigned_code(made: Package, data: Path, tmp_path: Path) -> None:
    bridge.convert(LENET, tmp_path / "model.onnx")
    options = replace(OPTIONS, twin=made.path, policy=policy_trusting(tmp_path, CONVERTER))
    report = attack(tmp_path / "model.onnx", data, options)
    assert report.verdict is Verdict.PASS
    assert report.models[0].format == "PyTorch twin"
    assert len(report.models[0].sha256) == 64


@pytest.mark.parametrize("role", ["target", "twin"])
def test_nothing_is_run_that_the_policy_does_not_accept(role: str, made: Package, data: Path, tmp_path: Path) -> None:
    target, options = made.path, replace(OPTIONS, policy=policy_trusting(tmp_path, TRAINER))
    if role == "twin":
        bridge.convert(LENET, tmp_path / "model.onnx")
        target, options = tmp_path / "model.onnx", replace(options, twin=made.path)
    with pytest.raises((PolicyError, SignatureError)):
        attack(target, data, options)


def test_changed_code_is_refused_and_not_run(made: Package, data: Path, tmp_path: Path) -> None:
    package, ran = Path(shutil.copytree(made.path, tmp_path / "package")), tmp_path / "ran"
    with (package / "model.py").open("a") as source:
        source.write(f"\nopen({str(ran)!r}, 'w').close()\n")
    with pytest.raises(IntegrityError, match=r"model\.py"):
        attack(package, data, replace(OPTIONS, policy=policy_trusting(tmp_path, CONVERTER), allow_unsigned=True))
    assert not ran.exists()


def test_an_unsigned_folder_is_refused_under_a_policy_that_knows_signers(data: Path, tmp_path: Path) -> None:
    bridge.convert(LENET, tmp_path / "twin", target="torch")
    with pytest.raises(PolicyError):
        attack(tmp_path / "twin", data, replace(OPTIONS, policy=policy_trusting(tmp_path, CONVERTER)))
