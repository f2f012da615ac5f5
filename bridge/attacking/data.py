"""Labelled samples from a ``.npz`` file: ``x`` what is perturbed, ``y`` the labels, further inputs by their own names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bridge.attacking.served import Place
from bridge.errors import InvalidGoldenCaseError, InvalidOptionError
from verify.equivalence.archive import TensorArchive
from verify.robustness.attacks.scores import Array
from verify.robustness.samples import Samples, mask_of_lengths

X, Y, LENGTHS = "x", "y", "lengths"


def read_samples(path: Path, inputs: Mapping[str, Place], chosen: str, limit: int | None) -> tuple[Samples, str]:
    """The samples and the SHA-256 of the file. ``chosen`` names the input to perturb; empty where there is one alone.

    ``y`` are class numbers ``(N,)``, or one-hot rows ``(N, C)``. ``lengths`` are those of padded sequences: what lies behind an
    end is never moved. Raises ``InvalidOptionError`` for a file that does not suit the model.
    """
    try:
        with TensorArchive(path) as archive:
            present: dict[str, Array] = {name: archive.read(name) for name in {X, Y, *inputs} & archive.names}
            digest = archive.sha256
    except InvalidGoldenCaseError as error:
        raise InvalidOptionError(str(error)) from error
    for name in (X, Y):
        if name not in present:
            raise InvalidOptionError(f"{path}: no tensor {name!r}; expected x, the samples, and y, their classes")
    name = chosen or _only([port for port in inputs.values() if not port.optional and port.name not in present], path)
    if name not in inputs:
        raise InvalidOptionError(f"the model has no input {name!r}; it has {', '.join(sorted(inputs))}")
    x = _fitted(present[X], inputs[name], path)
    others = {key: value.astype(inputs[key].dtype) for key, value in present.items() if key in inputs and key != name}
    missing = [port.name for port in inputs.values() if not port.optional and port.name != name and port.name not in others]
    if missing:
        raise InvalidOptionError(f"{path}: no tensor {missing[0]!r}, an input that the model needs")
    mask = mask_of_lengths(others[LENGTHS], x.shape) if LENGTHS in others and x.ndim > 2 else None
    samples = Samples(name, x, _labels(present[Y], path), others, mask)
    return (samples if limit is None else samples.first(limit)), digest


def _only(required: Sequence[Place], path: Path) -> str:
    if len(required) != 1:
        told = ", ".join(port.name for port in required) or "none"
        raise InvalidOptionError(f"{path}: x could be any of several inputs, {told}: name one with --input, and give the others")
    return required[0].name


def _fitted(x: Array, place: Place, path: Path) -> Array:
    """``x`` in the input's own type and number of dimensions."""
    wanted = [extent for extent in place.shape[1:] if isinstance(extent, int)]
    fits = len(x.shape) == len(place.shape) and all(
        not isinstance(extent, int) or extent == found for extent, found in zip(place.shape[1:], x.shape[1:], strict=True)
    )
    if not fits:
        raise InvalidOptionError(
            f"{path}: x has shape {x.shape}; input {place.name!r} expects {list(place.shape)}, fixed extents {wanted}"
        )
    return np.ascontiguousarray(x.astype(place.dtype))


def _labels(y: Array, path: Path) -> Array:
    if y.ndim == 2 and y.shape[1] > 1:
        classes: Array = y.argmax(axis=1).astype(np.int64)
        return classes
    flat = y.reshape(len(y), -1)
    if flat.shape[1] != 1 or not np.array_equal(flat, np.rint(flat.astype(np.float64))):
        raise InvalidOptionError(f"{path}: y has shape {y.shape} and type {y.dtype}; expected class numbers, or one-hot rows")
    found: Array = flat[:, 0].astype(np.int64)
    if found.min(initial=0) < 0:
        raise InvalidOptionError(f"{path}: y holds the class {found.min()}; classes count from 0")
    return found
