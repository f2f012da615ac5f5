"""The package, or the folder, of a PyTorch module as what is hardened."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from bridge.errors import InvalidBundleError, InvalidPackageError
from bridge.harden.samples import Array
from bridge.package.contents import INTERFACE, TORCH_README, TORCH_SOURCE, TORCH_WEIGHTS
from bridge.package.describing import BATCH, DEFAULT_BATCH, DEFAULT_STEPS
from bridge.package.interface import INTERFACE_BYTES_AT_MOST, Bound, Interface, Tensor, read_interface
from bridge.trust.strict_json import JsonLimits, parse

_LENGTHS: Final = "lengths"
_LIMITS: Final = JsonLimits(bytes=INTERFACE_BYTES_AT_MOST, values=500_000)


@dataclass(frozen=True, slots=True)
class TorchModel:
    """A module by its bytes, which were verified or allowed: nothing is read again."""

    source: bytes
    weights: bytes
    readme: bytes
    class_name: str

    def state(self) -> dict[str, Array]:
        """The weights by name. Raises ``InvalidPackageError``."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            return load(self.weights)
        except (SafetensorError, ValueError, KeyError) as error:
            raise InvalidPackageError(f"{TORCH_WEIGHTS} cannot be read: {error}") from error


def torch_model(path: Path, files: Mapping[str, memoryview], interface: Interface) -> TorchModel:
    """The module among the ``files`` of a package. Raises ``InvalidPackageError`` for one that is missing, or was changed."""
    for name in (TORCH_SOURCE, TORCH_WEIGHTS):
        if name not in files:
            raise InvalidPackageError(f"{path} holds no {name}: not the folder of a PyTorch model")
        found, stated = hashlib.sha256(files[name]).hexdigest(), interface.digests.get(name)
        if found != stated:
            raise InvalidPackageError(f"{path / name} has the SHA-256 {found}; {INTERFACE} states {stated}")
    readme = bytes(files.get(TORCH_README, b""))
    return TorchModel(bytes(files[TORCH_SOURCE]), bytes(files[TORCH_WEIGHTS]), readme, interface.class_name)


def torch_interface(data: bytes) -> Interface:
    """The interface in an ``interface.json``: that of a package, or that of a PyTorch module's folder.

    A folder states no bounds and no ties of lengths: it gets those that a package has unless told otherwise, and an input that is
    called ``lengths`` holds those of the one axis of steps. Raises ``InvalidPackageError`` for what departs from its form.
    """
    from bridge.targets.pytorch.folder import FORMAT

    try:
        document = parse(data, what=INTERFACE, limits=_LIMITS)
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            return read_interface(data)
        return _of_folder(document)
    except InvalidBundleError as error:
        raise InvalidPackageError(str(error)) from error
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidPackageError(f"{INTERFACE} does not describe a PyTorch model of this project: {error}") from error


def _of_folder(document: Mapping[str, Any]) -> Interface:
    inputs, outputs = (tuple(map(_tensor, document[side])) for side in ("inputs", "outputs"))
    extents = [extent for tensor in (*inputs, *outputs) for extent in tensor.shape if isinstance(extent, str)]
    symbols = {name: Bound(1, DEFAULT_BATCH, "batch") if name == BATCH else Bound(1, DEFAULT_STEPS, "steps") for name in extents}
    steps = [name for name in symbols if name != BATCH]
    if len(steps) == 1 and any(tensor.name == _LENGTHS and tensor.shape == (BATCH,) for tensor in inputs):
        inputs, outputs = (tuple(_tied(tensor, steps[0]) for tensor in tensors) for tensors in (inputs, outputs))
    return Interface(
        kind="torch",
        model_files=(TORCH_SOURCE, TORCH_WEIGHTS),
        inputs=inputs,
        outputs=outputs,
        symbols=symbols,
        class_name=str(document["class"]),
        digests={str(name): str(value) for name, value in document["sha256"].items()},
        metadata={str(name): str(value) for name, value in document["metadata"].items()},
    )


def _tensor(item: Mapping[str, Any]) -> Tensor:
    shape = tuple(extent if isinstance(extent, str) else int(extent) for extent in item["shape"])
    return Tensor(str(item["name"]), str(item["dtype"]), shape, bool(item["optional"]))


def _tied(tensor: Tensor, steps: str) -> Tensor:
    if tensor.name == _LENGTHS:
        return replace(tensor, lengths_of=steps, minimum=1)
    return replace(tensor, lengths=_LENGTHS) if steps in tensor.shape else tensor
