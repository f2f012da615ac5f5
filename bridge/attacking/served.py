"""The model as it is served: a package through ``bridge.load``, an ONNX file in a session, or a module itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.attacking.options import AttackOptions
from bridge.errors import RuntimeFaultError
from verify.equivalence.backends import BackendError, RuntimeOptions
from verify.report.document import Model
from verify.robustness.attacks.scores import Array

if TYPE_CHECKING:
    import torch

    from bridge.package.interface import Interface, Tensor


@dataclass(frozen=True, slots=True)
class Place:
    """An input or output. ``low`` and ``high`` are the range that the package's interface states, where it does.

    ``lengths`` names the input with the true lengths of its sequences, where there is one.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | str | None, ...]
    optional: bool = False
    low: float | None = None
    high: float | None = None
    lengths: str = ""


@dataclass(frozen=True, slots=True)
class Served:
    """``run`` gives all outputs by name; ``root_sha256`` is the digest that claims about a package speak of, else empty.

    ``batch`` is how many samples a call takes.
    """

    run: Callable[[Mapping[str, Array]], Mapping[str, Array]]
    inputs: Mapping[str, Place]
    outputs: Mapping[str, Place]
    model: Model
    runtime: str
    root_sha256: str = ""
    batch: int = 64


@dataclass(frozen=True, slots=True)
class TorchPorts:
    """Inputs and outputs of a PyTorch module, and the digest of the ``interface.json`` that states those of its files.

    ``source_sha256`` is the digest of the CNTK model that it was converted from, by the same account.
    """

    inputs: Mapping[str, Place]
    outputs: Mapping[str, Place]
    sha256: str
    source_sha256: str = ""


def served_package(folder: Path, options: AttackOptions) -> Served:
    """A package of an ONNX model, verified, admitted and loaded as the server would; see ``bridge.load`` for the errors."""
    from bridge.runtime.loading import load

    model = load(folder, policy=options.policy, allow_unsigned=options.allow_unsigned)
    interface = model.interface

    def run(feeds: Mapping[str, Array]) -> Mapping[str, Array]:
        try:
            return model.run(feeds)
        except RuntimeFaultError as error:
            raise BackendError(f"the served model: {error}") from error

    identity = model.identity
    told = Model("converted", folder.name, identity.root_digest or _digest_of(interface), "package, ONNX")
    inputs, outputs = _places(interface.inputs), _places(interface.outputs)
    return Served(run, inputs, outputs, told, "bridge.load, onnxruntime", identity.root_digest, _batch_of(interface))


def served_file(data: bytes, name: str) -> Served:
    """An ONNX file, whose bytes are handed over, in a session of one thread."""
    from verify.equivalence.backends.onnxruntime import OnnxRuntime

    session = OnnxRuntime(data, options=RuntimeOptions(threads=1))
    inputs, outputs = (
        {port.name: Place(port.name, port.dtype, port.shape, port.optional) for port in ports.values()}
        for ports in (session.inputs, session.outputs)
    )
    inputs = with_lengths(inputs)
    told = Model("converted", name, hashlib.sha256(data).hexdigest(), "ONNX")
    fixed = [port.shape[0] for port in inputs.values() if port.shape and isinstance(port.shape[0], int)]
    return Served(session.run, inputs, outputs, told, f"onnxruntime {session.identity.version}", batch=fixed[0] if fixed else 64)


def served_module(module: torch.nn.Module, ports: TorchPorts, name: str, root_sha256: str = "") -> Served:
    """A PyTorch module that is itself what is served. ``root_sha256`` is the digest of its package, where it is signed."""
    import torch

    def run(feeds: Mapping[str, Array]) -> Mapping[str, Array]:
        with torch.no_grad():
            found = module(**{name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in feeds.items()})
        return {name: value.numpy() for name, value in found.items()}

    told = Model("converted", name, root_sha256 or ports.sha256, "PyTorch")
    return Served(run, ports.inputs, ports.outputs, told, f"PyTorch {torch.__version__}", root_sha256)


def _places(tensors: tuple[Tensor, ...]) -> dict[str, Place]:
    return {
        tensor.name: Place(
            tensor.name, np.dtype(tensor.dtype), tensor.shape, tensor.optional, tensor.minimum, tensor.maximum, tensor.lengths
        )
        for tensor in tensors
    }


def with_lengths(places: Mapping[str, Place]) -> dict[str, Place]:
    """Inputs of a model that does not say which of them holds the lengths of sequences: the only whole numbers of one dimension.

    So our converters name them where there is one sequence axis. A model with several says which is which in its interface.
    """
    carriers = [place.name for place in places.values() if place.optional and place.dtype == np.int64 and len(place.shape) == 1]
    if len(carriers) != 1:
        return dict(places)
    return {
        name: place if len(place.shape) < 2 or isinstance(place.shape[1], int) else replace(place, lengths=carriers[0])
        for name, place in places.items()
    }


def _batch_of(interface: Interface) -> int:
    """As many samples as a call may hold, but no more than 64."""
    most = 64
    for tensor in interface.inputs:
        first = tensor.shape[0] if tensor.shape else most
        most = min(most, first if isinstance(first, int) else interface.symbols[first].maximum)
    return max(most, 1)


def _digest_of(interface: Interface) -> str:
    """The digest of the main file, as the interface states it; an unsigned package has no other."""
    return next(iter(interface.digests.values()), "") or hashlib.sha256(interface.to_bytes()).hexdigest()
