"""Models other than the digits': sequences with lengths, tokens, doubles, several inputs, and those that cannot be hardened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

pytest.importorskip("torch")

from bridge.errors import InvalidInputsError, InvalidOptionError
from bridge.harden.hardening import Hardened, harden
from bridge.harden.options import HardenOptions, Method, Training
from bridge.trust.policy.document import policy_for
from tests.package.packages import packaged, signed_source
from tests.trust.provenance.histories import CONVERTER
from verify.robustness.threat import Norm

Array = np.ndarray[Any, Any]


@pytest.fixture(scope="module", autouse=True)
def own_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Policies remember the versions that they accepted: here, for these tests alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


def package_of(case: str, folder: Path) -> Path:
    package = packaged(signed_source(case, folder / "source"), folder / "package").path
    (folder / "key.pub").write_bytes(CONVERTER.public_key_pem())
    return package


def as_decided(package: Path, feeds: dict[str, Array], output: str) -> Array:
    """The classes that the model itself gives, but for what it gives to most: labels that follow from the input."""
    scores: Array = onnxruntime.InferenceSession(package / "model.onnx").run([output], feeds)[0]
    found: Array = (scores - np.median(scores, axis=0)).argmax(axis=1)
    return found


def enough_of_each(labels: Array, least: int = 4) -> Array:
    """The rows of classes that there are some samples of."""
    counts = np.bincount(labels)
    return np.flatnonzero(counts[labels] >= least)


def hardened(package: Path, arrays: dict[str, Array], training: Training, output: str, **options: Any) -> Hardened:
    folder = package.parent
    np.savez(folder / "data.npz", **arrays)  # type: ignore[arg-type]
    chosen = HardenOptions(
        CONVERTER,
        options.pop("method", Method.PGD_AT),
        training,
        policy=policy_for([folder / "key.pub"], []),
        output_name=output,
        smoke=False,
        **options,
    )
    return harden(package, folder / "data.npz", folder / "new", chosen)


def test_sequences_of_several_lengths_are_hardened_and_certified(tmp_path: Path) -> None:
    package = package_of("gru_encoder", tmp_path)
    draw = np.random.default_rng(0)
    x, lengths = draw.normal(size=(60, 4, 10)).astype(np.float32), draw.integers(1, 5, 60)
    for row, length in zip(x, lengths, strict=True):
        row[length:] = 0
    # Nothing that the network has learnt, so that what it withstands afterwards comes from here.
    labels = (x[:, 0, 0] > 0).astype(np.int64)
    arrays: dict[str, Array] = {"x": x, "lengths": lengths, "y": labels}
    training = Training(0.3, -6.0, 6.0, epochs=2, steps=2, step=0.8, batch=8, learning_rate=1e-2)
    made = hardened(package, arrays, training, "encoding")
    assert made.equivalence.holds
    # The states of every step are compared too, as far as their sequences go.
    assert {output.name for case in made.equivalence.cases for output in case.outputs} == {"states", "encoding"}
    assert made.report.after.robust > made.report.before.robust
    (tmp_path / "new").rename(tmp_path / "first")
    smooth = hardened(package, arrays, training, "encoding", method=Method.SMOOTHING, certified=4, votes=80)
    curve = smooth.report.more["smoothing"]["curves"][0]
    assert smooth.report.more["smoothing"]["samples"] == 4
    assert curve["certified_accuracy"][0]["accuracy"] > 0


def test_tokens_are_hardened_against_other_tokens(tmp_path: Path) -> None:
    package = package_of("text_cnn", tmp_path)
    draw = np.random.default_rng(1)
    # Every class has tokens of its own, and all of a sequence's say the same: one that is replaced need not decide.
    labels = np.arange(120) % 4
    words = np.eye(60, dtype=np.float32)[draw.integers(0, 15, (120, 7)) + 15 * labels[:, None]]
    arrays: dict[str, Array] = {"x": words, "lengths": np.full(120, 7), "y": labels}
    training = Training(1, norm=Norm.TOKENS, epochs=3, batch=8, learning_rate=5e-3)
    made = hardened(package, arrays, training, "classes")
    assert made.equivalence.holds
    assert made.report.after.attack == "token substitution"
    assert made.report.after.robust > made.report.before.robust
    report = json.loads((made.path / "reports" / "hardening.json").read_bytes())
    assert report["training"]["norm"] == "tokens"
    assert "token substitution, 1 token(s)" in (made.path / "reports" / "hardening.md").read_text()
    with pytest.raises(InvalidOptionError, match="--norm tokens"):
        hardened(package, arrays, Training(0.1), "classes")
    with pytest.raises(InvalidOptionError, match="--method pgd-at"):
        hardened(package, arrays, training, "classes", method=Method.TRADES)
    arrays["x"] = arrays["x"] * 0.5
    with pytest.raises(InvalidOptionError, match="not one-hot"):
        hardened(package, arrays, training, "classes")


def test_a_model_of_doubles_is_hardened_in_doubles(tmp_path: Path) -> None:
    package = package_of("double_precision", tmp_path)
    x = np.random.default_rng(2).normal(size=(80, 4, 6))
    labels = as_decided(package, {"signal": x}, "total")
    rows = enough_of_each(labels)
    training = Training(0.2, -6.0, 6.0, epochs=1, steps=2, step=0.8, batch=16)
    made = hardened(package, {"x": x[rows], "y": labels[rows]}, training, "total", method=Method.ENSEMBLE)
    assert made.equivalence.holds
    session = onnxruntime.InferenceSession(made.path / "model.onnx")
    assert {output.name: output.type for output in session.get_outputs()} == {
        "total": "tensor(double)",
        "disagreement": "tensor(double)",
    }


@pytest.mark.parametrize(
    ("case", "shape", "output", "reason"),
    [
        ("lstm_tagger", (40, 5, 80), "tags", "every step"),
        ("half_precision", (40, 20), "logits", "float16"),
        ("wide_and_deep", (40, 8), "click", "one score"),
    ],
)
def test_models_that_cannot_be_hardened_are_refused_before_any_training(
    case: str, shape: tuple[int, ...], output: str, reason: str, tmp_path: Path
) -> None:
    package = package_of(case, tmp_path)
    arrays: dict[str, Array] = {"x": np.zeros(shape, np.float32), "y": np.arange(40) % 2}
    with pytest.raises((InvalidOptionError, InvalidInputsError), match=reason):
        hardened(package, arrays, Training(0.1), output)
    assert not (tmp_path / "new").exists()
