from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import bridge
from bridge.errors import GuardRefusedError, PolicyError
from bridge.runtime.guards.features import onnx_features
from bridge.runtime.guards.fitting import fit_bank
from bridge.runtime.guards.guarded import GuardedModel
from bridge.runtime.guards.loading import _first_layers, load_guarded
from bridge.trust.policy.document import policy_for
from tests.package.packages import packaged, signed_source
from tests.trust.provenance.histories import CONVERTER, STRANGER

DIGITS = Path(__file__).parents[2] / "harden" / "digits.npz"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package, its key, and guards with a bank beside them."""
    folder = tmp_path_factory.mktemp("guarded")
    packaged(signed_source("digits_lenet", folder / "source"), folder / "package")
    with np.load(DIGITS) as archive:
        x = archive["images"].astype(np.float32)[:, None] / 16
    features = onnx_features(_first_layers((folder / "package" / "model.onnx").read_bytes()), "image")
    (folder / "bank.npz").write_bytes(fit_bank(features(x[:600]), features(x[600:1200])).to_bytes())
    guards = [
        {"kind": "range", "input": "image", "minimum": 0, "maximum": 1},
        {"kind": "bit-depth", "input": "image", "bits": 4, "minimum": 0, "maximum": 1},
        {"kind": "distribution", "input": "image", "bank": "bank.npz"},
    ]
    (folder / "guards.yaml").write_text(json.dumps({"guards": guards}))
    (folder / "key.pub").write_bytes(CONVERTER.public_key_pem())
    (folder / "stranger.pub").write_bytes(STRANGER.public_key_pem())
    np.save(folder / "x.npy", x[1500:1504])
    return folder


@pytest.fixture
def model(served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GuardedModel:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return load_guarded(served / "package", served / "guards.yaml", policy=policy_for([served / "key.pub"], []))


def test_clean_digits_pass_and_are_answered_as_without_guards(served: Path, model: GuardedModel) -> None:
    x = np.load(served / "x.npy")
    bare = bridge.load(served / "package", policy=policy_for([served / "key.pub"], []))
    assert (model.run({"image": x})["z"].argmax(axis=1) == bare.run({"image": x})["z"].argmax(axis=1)).all()
    assert model.pipeline.counts()["bit-depth"].changed == 1


def test_wrong_units_and_noise_are_refused_by_the_guard_that_is_for_them(served: Path, model: GuardedModel) -> None:
    x = np.load(served / "x.npy")
    with pytest.raises(GuardRefusedError) as scaled:
        model.run({"image": x * 255})
    assert scaled.value.guard == "range"
    with pytest.raises(GuardRefusedError) as junk:
        model.run({"image": np.random.default_rng(0).uniform(0, 1, (16, 1, 8, 8)).astype(np.float32)})
    assert junk.value.guard == "distribution"


def test_guards_do_not_replace_the_policy(served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pytest.raises(PolicyError):
        load_guarded(served / "package", served / "guards.yaml", policy=policy_for([served / "stranger.pub"], []))
