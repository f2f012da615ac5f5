"""Signed packages, a policy that trusts their signer, and a configuration that serves them: what a fleet is made of."""

from __future__ import annotations

import dataclasses
import hashlib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import yaml

import bridge
from bridge.package.describing import describe_onnx
from bridge.package.interface import Bound, ServingLimits
from bridge.trust.signers import Signer
from tests.trust.signed_models import new_key, signed_package, write_policy, write_public

GOLDEN = Path(__file__).parents[2] / "golden"
LENET = "digits_lenet"
SECONDS = 20.0


@cache
def _files(case: str) -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        result = bridge.convert(GOLDEN / case / "model.dnn", Path(folder) / "model.onnx")
        interface = describe_onnx(result, {"N": Bound(1, 64, "batch")}, ServingLimits(seconds=SECONDS))
        model = result.destination.read_bytes()
    return {"model.onnx": model, "interface.json": interface.to_bytes()}


def digits_package(folder: Path, signer: Signer, *, seconds: float = SECONDS) -> Path:
    """The digits network, signed. Another limit of seconds makes it another package."""
    from bridge.package.interface import read_interface

    files = dict(_files(LENET))
    interface = read_interface(files["interface.json"])
    digests = {"model.onnx": hashlib.sha256(files["model.onnx"]).hexdigest()}
    changed = dataclasses.replace(interface, digests=digests, limits=ServingLimits(seconds=seconds))
    return signed_package(folder, signer, files | {"interface.json": changed.to_bytes()})


class Workplace:
    """A folder with a package, a policy and a configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.signer = new_key()
        self.package = digits_package(folder / "digits", self.signer)
        self.policy = write_policy(
            folder,
            {
                "policy": 1,
                "signers": {"team": {"keys": [write_public(folder, "team", self.signer)]}},
                "accept": {"source": ["team"], "package": ["team"]},
                "versions": {"store": "versions.sqlite"},
            },
        )

    def document(self, **changes: Any) -> dict[str, Any]:
        """A configuration of ``bridge serve``; ``changes`` are members of its one model, or of the whole."""
        model = {"name": "digits", "version": "1", "package": "digits", "policy": "policy.yaml"}
        whole: dict[str, Any] = {
            name: changes.pop(name) for name in ("listen", "limits", "clients", "tls", "drain_seconds") if name in changes
        }
        return {"format": "cntk-bridge/serve/1", "models": [model | changes], **whole}

    def configuration(self, **changes: Any) -> Path:
        """The same as a file."""
        return self.write(self.document(**changes))

    def write(self, document: dict[str, Any]) -> Path:
        """A configuration as a file."""
        place = self.folder / "serve.yaml"
        place.write_text(yaml.safe_dump(document))
        return place

    def tamper(self) -> bytes:
        """Change one byte of the model; what was there before."""
        place = self.package / "model.onnx"
        before = place.read_bytes()
        place.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        return before

    def restore(self, model: bytes) -> None:
        (self.package / "model.onnx").write_bytes(model)


def images(rows: int = 1, seed: int = 0) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
    """Inputs of the digits network."""
    return {"image": np.random.default_rng(seed).random((rows, 1, 8, 8), np.float32)}
