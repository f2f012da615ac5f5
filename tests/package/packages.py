"""Packages made from the repository's own golden models, with real keys."""

from __future__ import annotations

from pathlib import Path

from bridge.batch import Settings, convert_all, plan
from bridge.package.interface import Bound
from bridge.package.writing import Package, PackageOptions
from bridge.trust.keys import KeySigner
from bridge.trust.model_signature import sign_model
from bridge.trust.provenance.stating import state_training
from tests.trust.provenance.histories import CONVERTER, FACTS, TRAINER

GOLDEN = Path(__file__).parents[2] / "golden"


def signed_source(case: str, folder: Path, signer: KeySigner = TRAINER) -> Path:
    """A golden model in ``folder`` with a signature and a claim about its training."""
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "model.dnn"
    model.write_bytes((GOLDEN / case / "model.dnn").read_bytes())
    (folder / "model.dnn.sig").write_bytes(sign_model(model, signer) + b"\n")
    from bridge.trust.provenance.history import read_history

    state_training(model, read_history(model, None).root_sha256, FACTS, signer)
    return model


def packaged(
    source: Path, destination: Path, *, golden: str | None = None, target: str = "onnx", bounds: dict[str, Bound] | None = None
) -> Package:
    """``source`` as a package, as the command makes it."""
    options = PackageOptions(CONVERTER, bounds or {})
    (job,) = plan([source], destination, overwrite=True, target=target, packages=True)
    settings = Settings(golden=GOLDEN / golden if golden else None, target=target, package=options)
    (outcome,) = convert_all([job], settings)
    if outcome.error is not None:
        raise outcome.error
    assert outcome.package is not None
    return outcome.package
