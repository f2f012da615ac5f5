"""PyTorch packages, and folders of PyTorch modules, as what is hardened."""

from __future__ import annotations

import hashlib
import importlib.util
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

import bridge
from bridge.errors import InvalidOptionError, InvalidPackageError, TrustError
from bridge.harden.hardening import Hardened, harden
from bridge.harden.options import HardenOptions, Method
from bridge.package.verification import verify_package
from bridge.trust.policy.document import policy_for
from tests.harden.digits import QUICK, some_digits
from tests.package.packages import packaged, signed_source
from tests.trust.provenance.histories import BOTH, CONVERTER

exporter = pytest.mark.skipif(importlib.util.find_spec("onnxscript") is None, reason="onnxscript is not installed")


@pytest.fixture(scope="module", autouse=True)
def own_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Policies remember the versions that they accepted: here, for these tests alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed PyTorch package of the digits' network, the folder of the same without one, a key, and samples."""
    folder = tmp_path_factory.mktemp("parent")
    source = signed_source("digits_lenet", folder / "source")
    packaged(source, folder / "package", target="torch")
    bridge.convert(source, folder / "folder", target="torch")
    samples = some_digits(300)
    np.savez(folder / "digits.npz", x=samples.x, y=samples.y)
    (folder / "key.pub").write_bytes(CONVERTER.public_key_pem())
    return folder


def trusting(parent: Path) -> HardenOptions:
    policy = policy_for([parent / "key.pub"], [])
    return HardenOptions(CONVERTER, Method.FAST, QUICK, smoke=False, policy=policy, source=parent / "source" / "model.dnn")


def answers(package: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    found: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = onnxruntime.InferenceSession(package / "model.onnx").run(
        ["z"], {"image": some_digits(6).x}
    )[0]
    return found


def expect_whole(made: Hardened, parent: Path) -> None:
    """The package verifies, names its parent, and its two forms compute the same, which the parent does not."""
    chain = verify_package(made.path, BOTH).chain
    assert chain.verified
    (own,) = [claim for claim in chain.root.claims if claim.step is not None]
    assert own.step is not None
    assert own.step.parameters["parent"] == "torch"
    (source,) = own.sources
    assert source.name == parent.name
    assert made.equivalence.holds
    twin = bridge.load_torch(made.path / "twin", allow_unsigned=True)
    with torch.no_grad():
        found = twin(image=torch.tensor(some_digits(6).x))["z"].numpy()
    assert np.allclose(found, answers(made.path), atol=1e-4)
    before = bridge.load_torch(parent, allow_unsigned=True)
    with torch.no_grad():
        assert np.abs(before(image=torch.tensor(some_digits(6).x))["z"].numpy() - found).max() > 0.05
    interface = json.loads((made.path / "interface.json").read_bytes())
    assert (interface["model"]["kind"], interface["model"]["files"]) == ("onnx", ["model.onnx"])
    model = bridge.load(made.path, policy=policy_for([parent.parent / "key.pub"], []))
    assert np.array_equal(model.run({"image": some_digits(6).x})["z"], answers(made.path))
    model.close()


def test_a_package_with_its_source_is_hardened_by_its_graph(parent: Path, tmp_path: Path) -> None:
    made = harden(parent / "package", parent / "digits.npz", tmp_path / "new", trusting(parent))
    expect_whole(made, parent / "package")
    names = set(bridge.load_torch(made.path / "twin", allow_unsigned=True).state_dict())
    assert names == set(bridge.load_torch(parent / "package", allow_unsigned=True).state_dict())


def test_weights_that_were_trained_on_are_those_that_are_hardened(parent: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    package = Path(shutil.copytree(parent / "package", tmp_path / "package"))
    weights = load_file(package / "model.safetensors")
    save_file({name: array * np.float32(0.5) for name, array in weights.items()}, package / "model.safetensors")
    options = replace(trusting(parent), policy=HardenOptions(CONVERTER, Method.FAST, QUICK).policy, allow_unsigned=True)
    with pytest.raises(InvalidPackageError, match="SHA-256"):
        harden(package, parent / "digits.npz", tmp_path / "new", options)
    interface = json.loads((package / "interface.json").read_bytes())
    interface["sha256"]["model.safetensors"] = hashlib.sha256((package / "model.safetensors").read_bytes()).hexdigest()
    (package / "interface.json").write_text(json.dumps(interface))
    for name in ("model.sig", "claims.jsonl"):
        (package / name).unlink()
    options = replace(trusting(parent), training=replace(QUICK, learning_rate=1e-12), allow_unsigned=True)
    made = harden(package, parent / "digits.npz", tmp_path / "new", options)
    twin = bridge.load_torch(made.path / "twin", allow_unsigned=True).state_dict()
    assert all(np.allclose(twin[name].numpy(), array * np.float32(0.5), atol=1e-6) for name, array in weights.items())


def test_a_parent_that_nobody_trusted_has_signed_is_not_run(parent: Path, tmp_path: Path) -> None:
    package = Path(shutil.copytree(parent / "package", tmp_path / "package"))
    with (package / "model.py").open("a") as file:
        file.write(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    for folder in (package, parent / "folder"):
        with pytest.raises(TrustError):
            harden(folder, parent / "digits.npz", tmp_path / "new", replace(trusting(parent), source=None))
    with pytest.raises(InvalidPackageError, match="SHA-256"):
        harden(
            package,
            parent / "digits.npz",
            tmp_path / "new",
            replace(HardenOptions(CONVERTER, Method.FAST, QUICK), allow_unsigned=True),
        )
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "new").exists()


def test_the_source_of_another_model_is_refused(parent: Path, tmp_path: Path) -> None:
    other = signed_source("resnet20", tmp_path / "other")
    with pytest.raises(InvalidOptionError, match="converted from a file with"):
        harden(parent / "package", parent / "digits.npz", tmp_path / "new", replace(trusting(parent), source=other))


@exporter
@pytest.mark.slow
@pytest.mark.parametrize("form", ["package", "folder"])
def test_without_its_source_a_module_is_trained_as_it_is_and_exported(parent: Path, tmp_path: Path, form: str) -> None:
    options = replace(trusting(parent), source=None, allow_unsigned=form == "folder")
    made = harden(parent / form, parent / "digits.npz", tmp_path / "new", options)
    expect_whole(made, parent / form)
    assert (made.path / "twin" / "model.py").read_bytes() == (parent / form / "model.py").read_bytes()
    again = harden(made.path, parent / "digits.npz", tmp_path / "again", replace(trusting(parent), source=None))
    assert again.equivalence.holds


@exporter
@pytest.mark.slow
def test_an_ensemble_of_modules_is_one_module_and_one_file(parent: Path, tmp_path: Path) -> None:
    options = replace(trusting(parent), source=None, method=Method.ENSEMBLE, training=replace(QUICK, members=2))
    made = harden(parent / "package", parent / "digits.npz", tmp_path / "new", options)
    expect_whole(made, parent / "package")
    found = onnxruntime.InferenceSession(made.path / "model.onnx").run(["disagreement"], {"image": some_digits(40).x})[0]
    assert found.shape == (40,)
    assert set(np.unique(found)) <= {0.0, 0.5, 1.0}


@exporter
@pytest.mark.slow
def test_a_loop_over_steps_is_not_frozen_at_the_length_of_some_samples(tmp_path: Path) -> None:
    package = packaged(signed_source("gru_encoder", tmp_path / "source"), tmp_path / "package", target="torch").path
    draw = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", x=draw.normal(size=(42, 5, 10)).astype(np.float32), y=np.arange(42) % 7)
    (tmp_path / "key.pub").write_bytes(CONVERTER.public_key_pem())
    training = replace(QUICK, low=-9.0, high=9.0)
    options = HardenOptions(
        CONVERTER, Method.FAST, training, policy=policy_for([tmp_path / "key.pub"], []), output_name="encoding"
    )
    with pytest.raises(InvalidOptionError, match="--source"):
        harden(package, tmp_path / "data.npz", tmp_path / "new", options)
