"""The package that is hardened: verified, or allowed unsigned; its bytes, its interface, and the claims that are handed on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bridge.errors import InvalidPackageError, LimitExceededError
from bridge.harden.torch_parent import TorchModel, torch_interface, torch_model
from bridge.light_import import import_onnx_ir
from bridge.package.contents import INTERFACE, ONNX_MODEL, SIGNATURE
from bridge.package.interface import Interface
from bridge.package.origin import origin_of
from bridge.runtime.admission.admitting import AdmittedModel, admit
from bridge.runtime.limits import DEFAULT_RUNTIME_LIMITS
from bridge.trust.digests import FileDigest, root_digest
from bridge.trust.hashing import hash_files
from bridge.trust.policy.model import PACKAGE, Policy
from bridge.trust.provenance.conversion import Origin
from bridge.trust.provenance.history import Evidence
from bridge.trust.resource_names import GIT_NAMES, OWN_NAMES, beneath
from bridge.trust.tree import OpenedFile, OpenedRoot
from bridge.trust.verified import verify_folder

if TYPE_CHECKING:
    import onnx_ir as ir

_BYTES_AT_MOST = 16 << 30


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """An ONNX model that the runtime would load."""

    admitted: AdmittedModel

    def graph(self) -> ir.Model:
        """The model as ONNX IR, its weights arrays over the bytes that were verified."""
        import_onnx_ir()
        import onnx
        import onnx_ir as ir

        model = ir.from_proto(onnx.ModelProto.FromString(bytes(self.admitted.model)))
        for name, value in model.graph.initializers.items():
            tensor = value.const_value
            if isinstance(tensor, ir.ExternalTensor):
                data = self.admitted.external[os.fspath(tensor.location)]
                offset, count = tensor.offset or 0, int(np.prod(tensor.shape.numpy()))
                array = np.frombuffer(data, tensor.dtype.numpy(), count, offset).reshape(tensor.shape.numpy())
                value.const_value = ir.Tensor(array, name=name)
        return model


@dataclass(frozen=True, slots=True)
class Parent:
    """``origin`` has name, root digest and the claims that are handed on; ``verified`` says whether a signature was checked."""

    interface: Interface
    model: OnnxModel | TorchModel
    origin: Origin
    verified: bool


def open_parent(path: Path, policy: Policy, *, allow_unsigned: bool = False) -> Parent:
    """Verify the package at ``path``, and read what hardening needs of it. Each file is read once, into memory.

    ``allow_unsigned`` takes a package without a signature, and any where the policy names nobody who may sign one. Raises
    ``TrustError``, ``InvalidPackageError`` and ``RefusedModelError``.
    """
    if allow_unsigned and (not policy.groups(PACKAGE) or not os.path.lexists(path / SIGNATURE)):
        files, sha256 = _unsigned_files(path)
        return _parent(path, files, Origin(path.resolve().name, sha256, sha256), verified=False)
    with verify_folder(path, policy) as folder:
        kept = {name: memoryview(bytes(view)) for name, view in folder.files.items()}
        root = folder.model.root_digest
        return _parent(path, kept, _origin(path, root, folder.evidence), verified=True)


def _origin(path: Path, root: str, evidence: Evidence) -> Origin:
    return origin_of(path.resolve(), root, evidence, root_sha256=root)


def _parent(path: Path, files: Mapping[str, memoryview], origin: Origin, *, verified: bool) -> Parent:
    if INTERFACE not in files:
        raise InvalidPackageError(f"{path} is no package: it holds no {INTERFACE}")
    interface = torch_interface(bytes(files[INTERFACE]))
    if interface.kind == "torch":
        return Parent(interface, torch_model(path, files, interface), origin, verified)
    if ONNX_MODEL not in interface.model_files or not files.keys() >= set(interface.model_files):
        raise InvalidPackageError(
            f"{path} holds a model of kind {interface.kind} in {', '.join(interface.model_files)}; expected {ONNX_MODEL}, and "
            "every file that the interface names"
        )
    external = {name: files[name] for name in interface.model_files if name != ONNX_MODEL}
    admitted = admit(files[ONNX_MODEL], external, DEFAULT_RUNTIME_LIMITS.model, interface)
    return Parent(interface, OnnxModel(admitted), origin, verified)


def _unsigned_files(path: Path) -> tuple[dict[str, memoryview], str]:
    """The files by name, and the root digest that a signature over them would have."""
    files: dict[str, memoryview] = {}

    def take(file: OpenedFile) -> memoryview:
        if file.size > _BYTES_AT_MOST:
            raise LimitExceededError("file length", limit=_BYTES_AT_MOST, actual=file.size, field=file.name)
        octets = bytearray(file.size)
        view, offset = memoryview(octets), 0
        while offset < file.size:
            offset += file.read_at(offset, view[offset:])
        files[file.name] = memoryview(bytes(octets))
        return files[file.name]

    with OpenedRoot(path) as root:
        if not root.is_folder:
            raise InvalidPackageError(f"{path} is a file; expected the folder of a package")
        digests: tuple[FileDigest, ...] = hash_files(root.files(beneath((*GIT_NAMES, *OWN_NAMES))), take=take)
    return files, root_digest(digests)
