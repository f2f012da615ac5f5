"""Loads a PyTorch package, which means running its ``model.py``: the very bytes that a trusted signature covers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import InvalidPackageError, LimitExceededError, UnsignedCodeError

if TYPE_CHECKING:
    import torch

    from bridge.trust.signers import Verifier
    from bridge.trust.tree import OpenedFile

_BYTES_AT_MOST = 64 << 30


def load_torch(
    folder: str | os.PathLike[str],
    allow_unsigned: bool = False,  # noqa: FBT001, FBT002 - as bridge.load_torch was published
    *,
    trusted_keys: Sequence[str | os.PathLike[str] | Verifier] = (),
) -> torch.nn.Module:
    """The PyTorch module in ``folder``, in evaluation mode.

    Loading it runs its ``model.py``. With ``trusted_keys``, files of public keys or verifiers, the folder has to be a package
    that one of them signed: each file is read once, what was read is what is verified, run and loaded, and nothing that the
    signature does not list is read. Without them the folder is refused with ``UnsignedCodeError``, unless ``allow_unsigned``
    says that its origin is trusted; its files are then held against the digests in its ``interface.json``.

    Raises ``SignatureError`` and ``IntegrityError`` for a package that is not as somebody trusted has signed it,
    ``InvalidPackageError`` for a folder that is none of ours, is incomplete, or was changed; ``UsageError`` where torch or
    safetensors is not installed.
    """
    from bridge.targets.pytorch import loading

    if not trusted_keys:
        return loading.load_torch(folder, allow_unsigned)
    return _load_signed(Path(folder), _verifier(trusted_keys))


def _verifier(trusted: Sequence[str | os.PathLike[str] | Verifier]) -> Verifier:
    from bridge.trust.keys import load_public_key
    from bridge.trust.signers import any_of

    return any_of([load_public_key(key) if isinstance(key, str | os.PathLike) else key for key in trusted])


def _load_signed(place: Path, verifier: Verifier) -> torch.nn.Module:
    from bridge.package.contents import INTERFACE, SIGNATURE, TORCH_SOURCE, TORCH_WEIGHTS
    from bridge.package.interface import read_interface
    from bridge.targets.pytorch.loading import module_of
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
    missing = sorted({INTERFACE, TORCH_SOURCE, TORCH_WEIGHTS} - taken.keys())
    if missing:
        raise InvalidPackageError(f"{place} holds no {missing[0]} that its signature lists: not the package of a PyTorch model")
    interface = read_interface(taken[INTERFACE])
    if interface.kind != "torch" or not interface.class_name:
        raise InvalidPackageError(f"{place / INTERFACE} describes a model of kind {interface.kind}, not a PyTorch module")
    return module_of(taken[TORCH_SOURCE], taken[TORCH_WEIGHTS], interface.class_name, place)


def _read(file: OpenedFile) -> bytes:
    """The whole file in memory of our own."""
    if file.size > _BYTES_AT_MOST:
        raise LimitExceededError("file length", limit=_BYTES_AT_MOST, actual=file.size, field=file.name)
    octets = bytearray(file.size)
    view, offset = memoryview(octets), 0
    while offset < file.size:
        offset += file.read_at(offset, view[offset:])
    return bytes(octets)
