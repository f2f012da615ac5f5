"""Packages of the honest model and of golden networks, signed or not, for the loader's tests."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import bridge
from bridge.package.describing import describe_onnx
from bridge.package.interface import Interface, ServingLimits
from bridge.trust.signers import Signer
from tests.runtime.admission.honest import INTERFACE, changed
from tests.trust.signed_models import signed_package

GOLDEN = Path(__file__).parents[2] / "golden"


def unsigned_package(folder: Path, model: bytes | None = None, interface: Interface = INTERFACE, **beside: bytes) -> Path:
    """A folder with a model and its interface, which nobody signed."""
    for name, data in _files(model, interface, beside).items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def package_signed_by(signer: Signer, folder: Path, model: bytes | None = None, **beside: bytes) -> Path:
    """The same, signed, with the claim that says how it was made."""
    return signed_package(folder, signer, _files(model, INTERFACE, beside))


def golden_package(case: str, folder: Path, *, external_data_threshold: int | None = None) -> Path:
    """A golden network as an unsigned package."""
    folder.mkdir(parents=True)
    result = bridge.convert(GOLDEN / case / "model.dnn", folder / "model.onnx", external_data_threshold=external_data_threshold)
    (folder / "interface.json").write_bytes(describe_onnx(result, {}, ServingLimits()).to_bytes())
    return folder


def _files(model: bytes | None, interface: Interface, beside: dict[str, bytes]) -> dict[str, bytes]:
    """``beside`` has underscores where names have dots."""
    files = {"model.onnx": changed() if model is None else model}
    files |= {name.replace("_", "."): data for name, data in beside.items()}
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    whole = dataclasses.replace(interface, model_files=tuple(files), digests=digests)
    return {**files, "interface.json": whole.to_bytes()}
