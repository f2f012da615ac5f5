"""Clean samples that guards are fitted on, from an ``.npz``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bridge.errors import InvalidGoldenCaseError, InvalidInputsError, InvalidOptionError
from bridge.package.interface import Interface, Tensor
from bridge.runtime.served import Array
from verify.equivalence.archive import TensorArchive

SAMPLES = "x"
"""What the samples of the input are called in the file, where they are not called as the input is."""


@dataclass(frozen=True, slots=True)
class CleanSamples:
    """``inputs`` ``[N, ...]`` by name, the guarded one among them, which ``name`` names. ``sha256`` is the file's."""

    name: str
    inputs: Mapping[str, Array]
    sha256: str

    def __len__(self) -> int:
        return len(self.inputs[self.name])

    @property
    def x(self) -> Array:
        """The samples of the guarded input."""
        return self.inputs[self.name]

    def at(self, rows: npt.NDArray[np.intp]) -> CleanSamples:
        """Those samples alone."""
        return CleanSamples(self.name, {name: array[rows] for name, array in self.inputs.items()}, self.sha256)


def read_clean(path: Path, interface: Interface, chosen: str = "") -> CleanSamples:
    """The samples in ``path``: the input ``chosen``, or the only one that is needed, as ``x`` or by its name; others by name.

    Everything else in the file, such as classes, is left alone. Raises ``InvalidOptionError`` for an input that is not there, and
    ``InvalidInputsError`` for arrays that do not suit the interface.
    """
    tensors = {tensor.name: tensor for tensor in interface.inputs}
    name = chosen or _only(tensors)
    if name not in tensors:
        raise InvalidOptionError(f"the model has no input {name!r}; it has {', '.join(sorted(tensors))}")
    try:
        with TensorArchive(path) as archive:
            stored = {each: each for each in tensors.keys() & archive.names}
            stored.setdefault(name, SAMPLES)
            found = {each: _fitted(archive.read(key), tensors[each], path) for each, key in stored.items()}
            digest = archive.sha256
    except InvalidGoldenCaseError as error:
        raise InvalidInputsError(f"{error}; expected {SAMPLES} or {name}, samples [N, ...] of that input") from error
    for each, array in found.items():
        if len(array) != len(found[name]):
            raise InvalidInputsError(f"{path}: {len(array)} samples of {each!r}, and {len(found[name])} of {name!r}")
    missing = sorted(tensor.name for tensor in interface.inputs if not tensor.optional and tensor.name not in found)
    if missing:
        raise InvalidInputsError(f"{path}: no samples of {missing[0]!r}, which the model needs as well")
    return CleanSamples(name, found, digest)


def _only(tensors: Mapping[str, Tensor]) -> str:
    needed = [name for name, tensor in tensors.items() if not tensor.optional]
    if len(needed) != 1:
        raise InvalidOptionError(f"the model has {len(needed)} inputs, {', '.join(needed)}: name the one to guard with --input")
    return needed[0]


def _fitted(array: npt.NDArray[np.generic], tensor: Tensor, path: Path) -> Array:
    """``array`` in the input's own type."""
    fits = array.ndim == len(tensor.shape) and all(
        isinstance(stated, str) or stated == found for stated, found in zip(tensor.shape[1:], array.shape[1:], strict=True)
    )
    if not fits or array.ndim == 0:
        raise InvalidInputsError(
            f"{path}: samples of shape {list(array.shape)}; the input {tensor.name!r} has {list(tensor.shape)}"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InvalidInputsError(f"{path}: the samples of {tensor.name!r} hold values that are not finite")
    made: Array = np.ascontiguousarray(array.astype(tensor.dtype))
    return made
