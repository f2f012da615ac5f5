"""Loads a PyTorch package, which means running its ``model.py``: the very bytes that a trusted signature covers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import InvalidOptionError, InvalidPackageError, LimitExceededError, UnsignedCodeError

if TYPE_CHECKING:
    import torch

    from bridge.trust.policy.model import Policy
    from bridge.trust.signers import Verifier
    from bridge.trust.tree import OpenedFile

_BYTES_AT_MOST = 64 << 30


@dataclass(frozen=True, slots=True)
class LoadedTorch:
    """A module that was loaded, its ``interface.json``, and the root digest of the signed package, empty without a signature."""

    module: torch.nn.Module
    interface: bytes
    root_sha256: str = ""


def load_torch(
    folder: str | os.PathLike[str],
    allow_unsigned: bool = False,  # noqa: FBT001, FBT002 - as bridge.load_torch was published
    *,
    policy: Policy | str | os.PathLike[str] | None = None,
    trusted_keys: Sequence[str | os.PathLike[str] | Verifier] = (),
) -> torch.nn.Module:
    """The PyTorch module in ``folder``, in evaluation mode.

    Loading it runs its ``model.py``. With ``policy``, a ``Policy`` or the path of its file, the folder has to be a package that
    every rule of the policy accepts; with ``trusted_keys``, files of public keys or verifiers, one that any of them signed, and
    nothing else is asked of it. Each file is read once, what was read is what is verified, run and loaded, and nothing that the
    signature does not list is used. Without either the folder is refused with ``UnsignedCodeError``.

    ``allow_unsigned`` says that the origin of a folder without a signature is trusted: its files are then held against the
    digests in its ``interface.json``. With a policy that is for packages without a signature, and for all where the policy names
    nobody who may sign packages; with ``trusted_keys`` it allows nothing.

    Raises ``PolicyError`` with the rule that refuses, ``SignatureError`` and ``IntegrityError`` for a package that is not as
    somebody trusted has signed it, ``InvalidPackageError`` for a folder that is none of ours, is incomplete, or was changed;
    ``UsageError`` where torch or safetensors is not installed, or both ``policy`` and ``trusted_keys`` are given.
    """
    from bridge.targets.pytorch import loading

    place = Path(folder)
    if policy is not None:
        if trusted_keys:
            raise InvalidOptionError("the policy says whom to trust: leave out trusted_keys, or put them into it")
        return _load_under(place, policy, allow_unsigned=allow_unsigned).module
    if trusted_keys:
        return _load_signed(place, _verifier(trusted_keys))
    return loading.load_torch(folder, allow_unsigned)


def load_torch_folder(folder: Path, *, policy: Policy | None, allow_unsigned: bool) -> LoadedTorch:
    """As ``load_torch``, with what else a caller needs of the same bytes. Without a policy only ``allow_unsigned`` loads."""
    from bridge.targets.pytorch import loading

    if policy is None:
        return LoadedTorch(loading.load_torch(folder, allow_unsigned), _unsigned_interface(folder))
    return _load_under(folder, policy, allow_unsigned=allow_unsigned)


def _load_under(place: Path, policy: Policy | str | os.PathLike[str], *, allow_unsigned: bool) -> LoadedTorch:
    from bridge.package.contents import INTERFACE, SIGNATURE
    from bridge.targets.pytorch import loading
    from bridge.trust.alerts.raising import LOG
    from bridge.trust.policy.document import load_policy
    from bridge.trust.policy.model import PACKAGE
    from bridge.trust.verified import verify_folder

    rules = load_policy(policy) if isinstance(policy, str | os.PathLike) else policy
    nobody = not rules.groups(PACKAGE)
    if allow_unsigned and (nobody or not os.path.lexists(place / SIGNATURE)):
        why = "nobody is configured who may sign it" if nobody else "it has no signature"
        LOG.warning("unsigned: %s is run without proof of where it comes from, as was allowed: %s", ascii(str(place)), why)
        return LoadedTorch(loading.load_torch(place, allow_unsigned=True), _unsigned_interface(place))
    with verify_folder(place, rules) as folder:
        module = _module(place, folder.files)
        return LoadedTorch(module, bytes(folder.files[INTERFACE]), folder.model.root_digest)


def _unsigned_interface(place: Path) -> bytes:
    from bridge.package.contents import INTERFACE
    from bridge.package.interface import INTERFACE_BYTES_AT_MOST
    from bridge.trust.small_files import read_small_file

    return read_small_file(place / INTERFACE, what="interface", most=INTERFACE_BYTES_AT_MOST)


def _verifier(trusted: Sequence[str | os.PathLike[str] | Verifier]) -> Verifier:
    from bridge.trust.keys import load_public_key
    from bridge.trust.signers import any_of

    return any_of([load_public_key(key) if isinstance(key, str | os.PathLike) else key for key in trusted])


def _load_signed(place: Path, verifier: Verifier) -> torch.nn.Module:
    from bridge.package.contents import INTERFACE, SIGNATURE, TORCH_SOURCE, TORCH_WEIGHTS
    from bridge.trust.model_signature import verify_model
    from bridge.trust.provenance.history import SIGNATURE_BYTES_AT_MOST
    from bridge.trust.tree import OpenedRoot

    taken: dict[str, bytes] = {}

    def take(file: OpenedFile) -> memoryview | None:
        if file.name not in {INTERFACE, TORCH_SOURCE, TORCH_WEIGHTS}:
            return None
        taken[file.name] = _read(file)
        return memoryview(taken[file.name])

    with OpenedRoot(place) as root:
        signature = root.read_file(SIGNATURE, SIGNATURE_BYTES_AT_MOST)
        if signature is None:
            raise UnsignedCodeError(str(place / TORCH_SOURCE))
        verify_model(root, signature, verifier, take=take)
    return _module(place, taken)


def _module(place: Path, files: Mapping[str, bytes | memoryview]) -> torch.nn.Module:
    """The module of ``files``, which were verified."""
    from bridge.package.contents import INTERFACE, TORCH_SOURCE, TORCH_WEIGHTS
    from bridge.package.interface import read_interface
    from bridge.targets.pytorch.loading import module_of

    missing = sorted({INTERFACE, TORCH_SOURCE, TORCH_WEIGHTS} - files.keys())
    if missing:
        raise InvalidPackageError(f"{place} holds no {missing[0]} that its signature lists: not the package of a PyTorch model")
    interface = read_interface(bytes(files[INTERFACE]))
    if interface.kind != "torch" or not interface.class_name:
        raise InvalidPackageError(f"{place / INTERFACE} describes a model of kind {interface.kind}, not a PyTorch module")
    # safetensors takes bytes alone, and its tensors are copies.
    return module_of(bytes(files[TORCH_SOURCE]), bytes(files[TORCH_WEIGHTS]), interface.class_name, place)


def _read(file: OpenedFile) -> bytes:
    """The whole file in memory of our own."""
    if file.size > _BYTES_AT_MOST:
        raise LimitExceededError("file length", limit=_BYTES_AT_MOST, actual=file.size, field=file.name)
    octets = bytearray(file.size)
    view, offset = memoryview(octets), 0
    while offset < file.size:
        offset += file.read_at(offset, view[offset:])
    return bytes(octets)
