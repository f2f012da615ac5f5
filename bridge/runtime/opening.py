"""A package on its way to being served: verified, its interface read, its model admitted. The bytes stay the same."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from bridge.errors import IntegrityError, InvalidPackageError
from bridge.limits import DEFAULT_LIMITS
from bridge.package.contents import INTERFACE, ONNX_MODEL, SIGNATURE
from bridge.package.interface import INTERFACE_BYTES_AT_MOST, Interface, read_interface
from bridge.runtime.admission.admitting import AdmittedModel, admit
from bridge.runtime.limits import RuntimeLimits
from bridge.runtime.served import ModelIdentity
from bridge.sealed import SealedSource
from bridge.trust.alerts.raising import LOG
from bridge.trust.policy.libraries import refuse_other_libraries
from bridge.trust.policy.model import PACKAGE, Policy, RuntimeRules
from bridge.trust.small_files import StrPath
from bridge.trust.tree import OpenedRoot
from bridge.trust.verified import VerifiedFolder, verify_folder


class OpenedPackage:
    """What the runtime needs of a package, with the policy's rules for whoever loads it.

    ``close`` gives the memory of its files back; an engine keeps copies of its own.
    """

    def __init__(
        self,
        folder: VerifiedFolder | _UnsignedFiles,
        interface: Interface,
        identity: ModelIdentity,
        admitted: AdmittedModel,
        rules: RuntimeRules,
    ) -> None:
        self._folder = folder
        self.interface = interface
        self.identity = identity
        self.admitted = admitted
        self.rules = rules

    def close(self) -> None:
        """Give the memory back, unless arrays still look into it."""
        self._folder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class _UnsignedFiles:
    """The files of a package that nobody vouches for, in sealed memory all the same."""

    def __init__(self, path: StrPath) -> None:
        self._sources: list[SealedSource] = []
        self.files: dict[str, memoryview] = {}
        try:
            with OpenedRoot(path) as root:
                if not root.is_folder:
                    raise InvalidPackageError(f"{path} is a file; expected the folder of a package")
                for file in root.files(lambda _: False):
                    try:
                        if file.size:
                            source = SealedSource(file.name, DEFAULT_LIMITS, descriptor=file.descriptor, hashing=False)
                            self._sources.append(source)
                            self.files[file.name] = source.view
                    finally:
                        file.close()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the memory back."""
        self.files.clear()
        for source in self._sources:
            source.close()


def open_package(path: StrPath, policy: Policy, limits: RuntimeLimits, *, allow_unsigned: bool = False) -> OpenedPackage:
    """Verify the package at ``path`` under ``policy``, read its interface and admit its model.

    ``allow_unsigned`` takes a package without a signature, and any package where the policy names nobody who may sign one; a
    message is then logged. What the policy asks of the machine's libraries comes first. Raises as ``refuse_other_libraries`` and
    ``verify_folder`` do, ``InvalidPackageError`` for a folder that is no package of an ONNX model, and ``RefusedModelError``.
    """
    refuse_other_libraries(policy)
    folder: VerifiedFolder | _UnsignedFiles
    nobody = not policy.groups(PACKAGE)
    if allow_unsigned and (nobody or not os.path.lexists(Path(path) / SIGNATURE)):
        why = "nobody is configured who may sign it" if nobody else "it has no signature"
        LOG.warning(
            "unsigned: %s is loaded without proof of where it comes from, as was allowed: %s", ascii(os.fspath(path)), why
        )
        folder = _UnsignedFiles(path)
    else:
        folder = verify_folder(path, policy)
    try:
        interface = _interface(path, folder.files)
        model, external = _model_files(path, folder.files, interface)
        admitted = admit(model, external, limits.model, interface)
        return OpenedPackage(folder, interface, _identity(path, folder), admitted, policy.runtime)
    except BaseException:
        folder.close()
        raise


def model_digest(opened: OpenedPackage) -> str:
    """What says which model it is, whoever signed it and whatever was said of it: its file's SHA-256, in hexadecimal.

    For a model with files beside it, that of the lines ``sha256  name`` of all of them, in the interface's order.
    """
    admitted = opened.admitted
    names = opened.interface.model_files
    digests = [hashlib.sha256(admitted.external.get(name, admitted.model)).hexdigest() for name in names]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(f"{each}  {name}\n" for each, name in zip(digests, names, strict=True)).encode()).hexdigest()


def _interface(path: StrPath, files: Mapping[str, memoryview]) -> Interface:
    data = files.get(INTERFACE)
    if data is None or len(data) > INTERFACE_BYTES_AT_MOST:
        raise InvalidPackageError(f"{path} is no package: it holds no {INTERFACE} of at most {INTERFACE_BYTES_AT_MOST} bytes")
    interface = read_interface(bytes(data))
    if interface.kind != "onnx" or ONNX_MODEL not in interface.model_files:
        raise InvalidPackageError(f"{path} describes a model of kind {interface.kind}; the runtime serves ONNX packages")
    return interface


def _model_files(
    path: StrPath, files: Mapping[str, memoryview], interface: Interface
) -> tuple[memoryview, dict[str, memoryview]]:
    """The model, and the files beside it, each as the interface says that they are."""
    for name in interface.model_files:
        if name not in files:
            raise InvalidPackageError(f"{INTERFACE} of {path} names {name!r}, which is not there")
        expected = interface.digests.get(name)
        # The signature covers the files as well; this keeps the parts of two unsigned packages from passing for one.
        if expected is not None and (computed := hashlib.sha256(files[name]).hexdigest()) != expected:
            raise IntegrityError(name, expected=expected, computed=computed, advice=f"{INTERFACE} describes another model")
    return files[ONNX_MODEL], {name: files[name] for name in interface.model_files if name != ONNX_MODEL}


def _identity(path: StrPath, folder: VerifiedFolder | _UnsignedFiles) -> ModelIdentity:
    name = Path(path).resolve().name
    if isinstance(folder, _UnsignedFiles):
        return ModelIdentity(name=name, version="", root_digest="", signer="")
    decision = folder.decision
    signer = decision.identity.name if decision.identity is not None else ""
    return ModelIdentity(name=decision.model or name, version=decision.version, root_digest=decision.root_digest, signer=signer)
