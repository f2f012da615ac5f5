"""Labelled samples from a file: ``x`` what is perturbed, ``y`` the labels, further inputs by their own names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from bridge.attacking.ctf_data import is_ctf, read_ctf_tensors
from bridge.attacking.served import Place
from bridge.errors import InvalidGoldenCaseError, InvalidInputsError, InvalidOptionError
from verify.equivalence.archive import TensorArchive
from verify.robustness.attacks.scores import Array
from verify.robustness.samples import Samples, mask_of_lengths
from verify.robustness.steps import UNCOUNTED

X, Y = "x", "y"


def read_samples(
    path: Path, inputs: Mapping[str, Place], output: Place, chosen: str = "", limit: int | None = None, labels: str = ""
) -> tuple[Samples, str]:
    """The samples and the SHA-256 of the file, ``.npz`` or CNTK's text format.

    ``chosen`` names the input to perturb, empty where there is one alone; ``labels`` the field of labels in a text file.
    ``y`` are class numbers ``(N,)``, or one-hot rows ``(N, C)``. Where ``output`` has scores for every step, they are ``(N, T)``
    or ``(N, T, C)``, and -1 or a row of zeros leaves a step out. Behind the end that the lengths of a padded sequence state
    nothing is ever moved, and no label counts. Raises ``InvalidOptionError`` for a file that does not suit the model.
    """
    if is_ctf(path):
        name = _chosen(inputs, chosen, frozenset(), path)
        present, digest = _text(path, inputs, name, labels, output)
    else:
        present, digest = _archive(path, inputs)
        name = _chosen(inputs, chosen, present.keys(), path)
    if any(not present[key].shape or not len(present[key]) for key in (X, Y)):
        raise InvalidOptionError(f"{path}: x has shape {present[X].shape}, y {present[Y].shape}: there is no sample in it")
    x = _fitted(present[X], inputs[name], path)
    others = {key: value.astype(inputs[key].dtype) for key, value in present.items() if key in inputs and key != name}
    missing = [port.name for port in inputs.values() if not port.optional and port.name != name and port.name not in others]
    if missing:
        raise InvalidOptionError(f"{path}: no tensor {missing[0]!r}, an input that the model needs")
    lengths = _lengths(others, inputs[name], x, path)
    mask = None if lengths is None else mask_of_lengths(lengths, x.shape)
    found = _step_labels(present[Y], lengths, path) if gives_steps(output) else _labels(present[Y], path)
    _refuse_classes(found, output, path)
    samples = Samples(name, x, found, others, mask)
    return (samples if limit is None else samples.first(limit)), digest


def gives_steps(output: Place) -> bool:
    """Whether an output has scores for every step of a sequence, ``(N, T, C)``, rather than for each sample."""
    return len(output.shape) > 2 and not isinstance(output.shape[1], int)


def _text(path: Path, inputs: Mapping[str, Place], name: str, labels: str, output: Place) -> tuple[dict[str, Array], str]:
    try:
        return read_ctf_tensors(path, inputs, name, labels, output)
    except InvalidInputsError as error:
        raise InvalidOptionError(str(error)) from error


def _archive(path: Path, inputs: Mapping[str, Place]) -> tuple[dict[str, Array], str]:
    try:
        with TensorArchive(path) as archive:
            present: dict[str, Array] = {name: archive.read(name) for name in {X, Y, *inputs} & archive.names}
            digest = archive.sha256
    except InvalidGoldenCaseError as error:
        raise InvalidOptionError(str(error)) from error
    for name in (X, Y):
        if name not in present:
            raise InvalidOptionError(f"{path}: no tensor {name!r}; expected x, the samples, and y, their classes")
    return present, digest


def _chosen(inputs: Mapping[str, Place], chosen: str, present: Collection[str], path: Path) -> str:
    """The input that ``x`` is."""
    if chosen and chosen not in inputs:
        raise InvalidOptionError(f"the model has no input {chosen!r}; it has {', '.join(sorted(inputs))}")
    if chosen:
        return chosen
    required = [port.name for port in inputs.values() if not port.optional and port.name not in present]
    if len(required) != 1:
        told = ", ".join(required) or "none"
        raise InvalidOptionError(f"{path}: x could be any of several inputs, {told}: name one with --input, and give the others")
    return required[0]


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


def _lengths(others: Mapping[str, Array], place: Place, x: Array, path: Path) -> Array | None:
    """The true lengths of the sequences of ``x``, where the file has them."""
    if not place.lengths or place.lengths not in others or x.ndim < 2:
        return None
    found = others[place.lengths]
    if found.shape != (len(x),) or found.min(initial=1) < 1 or found.max(initial=1) > x.shape[1]:
        raise InvalidOptionError(
            f"{path}: {place.lengths} has shape {found.shape} and values from {found.min(initial=0)} to {found.max(initial=0)}; "
            f"expected one for each of {len(x)} sequences, from 1 to {x.shape[1]}"
        )
    return found


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


def _step_labels(y: Array, lengths: Array | None, path: Path) -> Array:
    """Labels ``(N, T)`` of steps, -1 where one does not count."""
    if y.ndim == 3 and y.shape[2] > 1:
        found: Array = np.where(y.any(axis=2), y.argmax(axis=2), UNCOUNTED).astype(np.int64)
    elif y.ndim >= 2 and y.shape[2:] in {(), (1,)} and np.array_equal(y, np.rint(y.astype(np.float64))):
        found = y.reshape(y.shape[:2]).astype(np.int64)
    else:
        raise InvalidOptionError(
            f"{path}: y has shape {y.shape} and type {y.dtype}; the output has scores for every step: expected class numbers "
            "(sequences, steps), or one-hot rows for each"
        )
    if found.min(initial=0) < UNCOUNTED:
        raise InvalidOptionError(f"{path}: y holds the class {found.min()}; classes count from 0, and -1 leaves a step out")
    if lengths is None:
        return found
    inside = np.arange(found.shape[1])[None, :] < lengths.reshape(-1, 1)
    if len(inside) == len(found):
        found = np.where(inside, found, UNCOUNTED)
    return found


def _refuse_classes(labels: Array, output: Place, path: Path) -> None:
    classes = output.shape[-1] if output.shape else None
    if isinstance(classes, int) and classes > 1 and labels.max(initial=0) >= classes:
        raise InvalidOptionError(
            f"{path}: y holds the class {labels.max()}; output {output.name!r} has {classes} classes, counted from 0"
        )
