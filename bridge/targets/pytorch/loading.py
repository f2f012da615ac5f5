"""Loads a PyTorch model's folder, which means running its ``model.py``: only when something vouches for it."""

from __future__ import annotations

import json
import linecache
import os
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bridge.errors import InvalidPackageError, UnsignedCodeError, UsageError
from bridge.targets.pytorch.folder import FORMAT, INTERFACE, MODEL, WEIGHTS, digest

if TYPE_CHECKING:
    import torch

PACKAGE_FORMAT: Final = "cntk-bridge/interface/1"
"""The ``interface.json`` of a package has what this loader needs at the same places."""


def load_torch(folder: str | os.PathLike[str], allow_unsigned: bool = False) -> torch.nn.Module:  # noqa: FBT001, FBT002
    """The module that ``bridge.convert(..., target="torch")`` wrote to ``folder``, in evaluation mode.

    Loading it runs its ``model.py``. A folder that no signature covers is therefore refused with ``UnsignedCodeError``, unless
    ``allow_unsigned`` says that its origin is trusted. Each file is read once, its digest compared with the one that
    ``interface.json`` states, and what is run and loaded are the bytes that were read. Raises ``InvalidPackageError`` for a
    folder that is none of ours, is incomplete, or was changed; ``UsageError`` where torch or safetensors is not installed.
    """
    place = Path(folder)
    interface = _interface(place)
    if not allow_unsigned:
        raise UnsignedCodeError(str(place / MODEL))
    source, weights = (_verified(place, name, interface) for name in (MODEL, WEIGHTS))
    return module_of(source, weights, interface["class"], place)


def module_of(source: bytes, weights: bytes, class_name: str, place: Path) -> torch.nn.Module:
    """Run ``source``, the bytes of a ``model.py`` that something vouches for, and give its class the ``weights``.

    ``place`` is the folder they were read from, for tracebacks and errors: nothing is read there again.
    """
    try:
        import torch
        from safetensors.torch import load
    except ImportError as error:
        raise UsageError(f"loading a PyTorch model takes {error.name}: pip install 'cntk-bridge[torch]'") from error
    namespace = _run(source, str(place / MODEL))
    kind = namespace.get(class_name)
    if not (isinstance(kind, type) and issubclass(kind, torch.nn.Module)):
        raise InvalidPackageError(f"{place / MODEL} defines no module named {class_name!r}, as {INTERFACE} says it does")
    with torch.device("meta"):
        module: torch.nn.Module = kind()
    module.load_state_dict(load(weights), assign=True)
    return module.eval()


def _interface(place: Path) -> dict[str, Any]:
    data = _read(place / INTERFACE)
    try:
        found = json.loads(data)
    except ValueError as error:
        raise InvalidPackageError(f"{place / INTERFACE} is no JSON: {error}") from error
    if (
        not isinstance(found, dict)
        or found.get("format") not in (FORMAT, PACKAGE_FORMAT)
        or not isinstance(found.get("class"), str)
    ):
        raise InvalidPackageError(
            f"{place / INTERFACE} does not describe a PyTorch model of this project; expected format {FORMAT!r}"
        )
    return found


def _verified(place: Path, name: str, interface: dict[str, Any]) -> bytes:
    data = _read(place / name)
    digests = interface.get("sha256")
    stated = digests.get(name) if isinstance(digests, dict) else None
    if digest(data) != stated:
        raise InvalidPackageError(
            f"{place / name} is not the file that was converted: {INTERFACE} states SHA-256 {stated}, it has {digest(data)}; "
            "convert the model again, or load a changed model.py yourself"
        )
    return data


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidPackageError(
            f"cannot read {path}: {error.strerror or error}; expected the folder of a PyTorch model"
        ) from error


def _run(source: bytes, name: str) -> dict[str, Any]:
    """The names that ``source`` defines. Tracebacks and torch.compile show the lines that were run."""
    text = source.decode()
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    module = types.ModuleType("cntk_bridge_model")
    exec(compile(source, name, "exec"), module.__dict__)  # noqa: S102 - what was read and vouched for is what is run
    return module.__dict__
