"""A signed PyTorch package runs the bytes that were verified, and no others."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

import bridge
from bridge.errors import (
    IntegrityError,
    InvalidOptionError,
    InvalidPackageError,
    PolicyError,
    SignatureError,
    SourceChangedError,
    UnsignedCodeError,
)
from bridge.package.writing import Package
from bridge.trust.model_signature import sign_model
from tests.package.packages import GOLDEN, packaged
from tests.trust.provenance.histories import CONVERTER, CONVERTER_TRUSTED, TRAINER, TRAINER_TRUSTED
from tests.trust.signed_models import policy_trusting


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Package:
    place = tmp_path_factory.mktemp("torch")
    return packaged(GOLDEN / "digits_lenet" / "model.dnn", place / "package", golden="digits_lenet", target="torch")


@pytest.fixture
def copy(made: Package, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made.path, tmp_path / "package"))


def test_signed_package_is_loaded_by_those_who_trust_its_signer(made: Package, tmp_path: Path) -> None:
    key = tmp_path / "key.pub"
    key.write_bytes(CONVERTER.public_key_pem())
    sample = torch.zeros(2, 1, 8, 8)
    loaded = [bridge.load_torch(made.path, trusted_keys=[trusted])(sample)["z"] for trusted in (key, str(key), CONVERTER_TRUSTED)]
    unsigned = bridge.load_torch(made.path, allow_unsigned=True)(sample)["z"]
    for result in loaded:
        np.testing.assert_array_equal(result.detach().numpy(), unsigned.detach().numpy())


def test_package_holds_what_the_report_found_on_it(made: Package) -> None:
    assert made.report is not None
    assert made.report.holds
    assert (made.path / "README.md").is_file()


def test_package_is_not_run_for_those_who_trust_somebody_else(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(SignatureError):
        bridge.load_torch(copy, trusted_keys=[TRAINER_TRUSTED])
    assert not (tmp_path / "ran").exists()


def test_changed_source_is_not_run(copy: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    with (copy / "model.py").open("a") as file:
        file.write(f"open({str(ran)!r}, 'w')\n")
    with pytest.raises(IntegrityError, match=r"model\.py"):
        bridge.load_torch(copy, trusted_keys=[CONVERTER_TRUSTED])
    assert not ran.exists()


def test_source_that_is_swapped_once_it_was_read_is_not_what_runs(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran, evil = tmp_path / "ran", tmp_path / "evil.py"
    evil.write_text(f"open({str(ran)!r}, 'w')\n")
    read_at, swapping = os.preadv, threading.Lock()

    def swap(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        count = read_at(descriptor, buffers, offset)
        # Files are read by several threads at once; the first of them swaps.
        if swapping.acquire(blocking=False):
            evil.rename(copy / "model.py")
        return count

    monkeypatch.setattr(os, "preadv", swap)
    with pytest.raises((IntegrityError, SourceChangedError)):
        bridge.load_torch(copy, trusted_keys=[CONVERTER_TRUSTED])
    assert not ran.exists()


def test_folder_without_a_signature_is_refused_whoever_is_trusted(copy: Path) -> None:
    (copy / "model.sig").unlink()
    with pytest.raises(UnsignedCodeError):
        bridge.load_torch(copy, trusted_keys=[CONVERTER_TRUSTED])


def test_signed_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "model.py").write_text("class Model: pass\n")
    (folder / "model.sig").write_bytes(sign_model(folder, CONVERTER))
    with pytest.raises(InvalidPackageError, match=r"holds no interface\.json"):
        bridge.load_torch(folder, trusted_keys=[CONVERTER_TRUSTED])


def test_onnx_package_is_no_module(tmp_path: Path) -> None:
    onnx = packaged(GOLDEN / "digits_lenet" / "model.dnn", tmp_path / "package")
    with pytest.raises(InvalidPackageError, match=r"holds no model\.py"):
        bridge.load_torch(onnx.path, trusted_keys=[CONVERTER_TRUSTED])


def test_package_that_a_policy_accepts_is_loaded_from_its_file_or_as_a_policy(made: Package, tmp_path: Path) -> None:
    policy = policy_trusting(tmp_path, CONVERTER, require={"package": ["conversion", "equivalence-cpu"]})
    sample = torch.zeros(2, 1, 8, 8)
    expected = bridge.load_torch(made.path, trusted_keys=[CONVERTER_TRUSTED])(sample)["z"].detach().numpy()
    for given in (policy, tmp_path / "policy.yaml", str(tmp_path / "policy.yaml")):
        loaded = bridge.load_torch(made.path, policy=given)(sample)["z"].detach().numpy()
        np.testing.assert_array_equal(loaded, expected)


@pytest.mark.parametrize(
    ("rule", "more"),
    [
        ("required-statements", {"require": {"package": ["robustness"]}}),
        ("minimum-version", {"versions": {"require": True}}),
        ("maximum-age", {"maximum-age-days": {"package": 1e-9}}),
    ],
)
def test_package_is_not_run_where_a_rule_refuses_it(copy: Path, tmp_path: Path, rule: str, more: dict[str, object]) -> None:
    policy = policy_trusting(tmp_path, CONVERTER, **more)
    with pytest.raises(PolicyError) as caught:
        bridge.load_torch(copy, allow_unsigned=True, policy=policy)
    assert caught.value.rule == rule


def test_changed_source_is_not_run_under_a_policy(copy: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    with (copy / "model.py").open("a") as file:
        file.write(f"open({str(ran)!r}, 'w')\n")
    with pytest.raises(IntegrityError, match=r"model\.py"):
        bridge.load_torch(copy, allow_unsigned=True, policy=policy_trusting(tmp_path, CONVERTER))
    assert not ran.exists()


def test_unsigned_package_is_run_under_a_policy_only_where_that_is_allowed(
    copy: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    policy = policy_trusting(tmp_path, CONVERTER)
    (copy / "model.sig").unlink()
    with pytest.raises(PolicyError, match="has no signature"):
        bridge.load_torch(copy, policy=policy)
    caplog.clear()
    assert bridge.load_torch(copy, allow_unsigned=True, policy=policy)(torch.zeros(1, 1, 8, 8))["z"].shape == (1, 10)
    assert "without proof of where it comes from" in caplog.text


def test_policy_that_trusts_somebody_else_refuses(made: Package, tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        bridge.load_torch(made.path, policy=policy_trusting(tmp_path, TRAINER))
    assert caught.value.rule == "signature"


def test_policy_and_keys_at_once_are_refused(made: Package, tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="leave out trusted_keys"):
        bridge.load_torch(made.path, policy=policy_trusting(tmp_path, CONVERTER), trusted_keys=[CONVERTER_TRUSTED])
