"""Labelled samples in CNTK's text format: the fields of the model's inputs, and one of labels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bridge.attacking.served import Place
from bridge.errors import InvalidInputsError, InvalidOptionError
from bridge.reference.recording.ctf import first_values, parse_ctf, read_text
from bridge.reference.recording.model_inputs import ModelInput
from bridge.reference.values import Batch
from verify.robustness.attacks.scores import Array
from verify.robustness.steps import UNCOUNTED

_LABELS = ("labels", "label", "y")
_WIDEST = 1 << 24


@dataclass(frozen=True, slots=True)
class Padded:
    """Sequences brought to one length, or samples as they are; ``lengths`` are the true ones, ``None`` without steps."""

    values: Array
    lengths: Array | None = None


def read_ctf_tensors(
    path: Path, inputs: Mapping[str, Place], chosen: str, labels: str, output: Place
) -> tuple[dict[str, Array], str]:
    """What the file holds, by the names that a ``.npz`` file would have, and its SHA-256.

    ``chosen`` names the input that is perturbed, which becomes ``x``; ``labels`` the field of labels, empty for the one that is
    called "labels", "label" or "y". Labels are rows of as many values as ``output`` has classes, dense or sparse, or one class
    number. Raises ``InvalidOptionError`` for a file that does not suit the model, with the line at fault.
    """
    data = read_text(path)
    try:
        fields = first_values(data)
        field = _label_field(labels, fields, inputs, path)
        wanted = [place for place in inputs.values() if not place.optional and place.dtype.kind == "f"]
        values = parse_ctf(data, (*map(_model_input, wanted), _label_input(field, fields[field], output)))
    except InvalidInputsError as error:
        raise InvalidOptionError(f"{path}: {error}") from error
    tensors: dict[str, Array] = {}
    for place in wanted:
        padded = _padded(values[place.name])
        tensors["x" if place.name == chosen else place.name] = padded.values
        if padded.lengths is not None:
            tensors.update(_lengths(place, padded.lengths, path))
    per_step = len(output.shape) > 2 and not isinstance(output.shape[1], int)
    tensors["y"] = _classes(values[field], path, values[chosen] if per_step else None)
    return tensors, hashlib.sha256(data).hexdigest()


def is_ctf(path: Path) -> bool:
    """Whether the file is text in that format rather than an archive of numpy's, by its name."""
    return path.suffix.lower() not in {".npz", ".zip"}


def _label_field(labels: str, fields: Mapping[str, str], inputs: Mapping[str, Place], path: Path) -> str:
    """The field that holds the labels, by its name, or as the only one that is no input."""
    told = ", ".join(map(repr, sorted(fields)[:20]))
    if labels:
        if labels not in fields:
            raise InvalidOptionError(f"{path}: no field {labels!r}; the file has {told}")
        return labels
    named = [name for name in _LABELS if name in fields and name not in inputs]
    others = [name for name in fields if name not in inputs]
    if named or len(others) == 1:
        return (named or others)[0]
    raise InvalidOptionError(f"{path}: which field holds the labels? Name it with --labels; the file has {told}")


def _model_input(place: Place) -> ModelInput:
    steps = len(place.shape) > 1 and not isinstance(place.shape[1], int)
    shape = place.shape[2:] if steps else place.shape[1:]
    fixed = tuple(extent for extent in shape if isinstance(extent, int))
    if len(fixed) != len(shape):
        raise InvalidInputsError(f"input {place.name!r} has open extents, {list(place.shape)}, which a text file cannot state")
    axis = place.lengths or str(place.shape[1]) if steps else None
    return ModelInput(place.name, place.name, fixed, place.dtype, batched=True, sequence_axis=axis, sparse=False)


def _label_input(field: str, first: str, output: Place) -> ModelInput:
    """Labels as the reader takes an input, ragged: a sequence may have one, or one at each step."""
    values, classes = first.split(), output.shape[-1]
    number = len(values) == 1 and ":" not in values[0]
    size = 1 if number else classes if isinstance(classes, int) else 0
    if not 0 < size < _WIDEST:
        raise InvalidInputsError(f"field {field!r}: the model does not say how many classes it has; give class numbers")
    return ModelInput(field, field, (size,), np.dtype(np.float32), batched=True, sequence_axis="labels", sparse=False)


def _padded(values: Batch) -> Padded:
    if not isinstance(values, list):
        return Padded(np.asarray(values))
    lengths = np.array([len(sequence) for sequence in values], np.int64)
    padded = np.zeros((len(values), int(lengths.max()), *values[0].shape[1:]), values[0].dtype)
    for row, sequence in enumerate(values):
        padded[row, : len(sequence)] = sequence
    return Padded(padded, lengths)


def _lengths(place: Place, lengths: Array, path: Path) -> dict[str, Array]:
    if place.lengths:
        return {place.lengths: lengths}
    if len(set(lengths.tolist())) > 1:
        raise InvalidOptionError(f"{path}: sequences of different lengths, and the model takes none for input {place.name!r}")
    return {}


def _classes(values: Batch, path: Path, sequences: Batch | None) -> Array:
    """Class numbers ``(N,)``, or one for each step of ``sequences``, ``(N, T)`` with -1 behind the ends."""
    assert isinstance(values, list)
    counts = [len(sequence) for sequence in values]
    expected = [1] * len(counts) if sequences is None else [len(sequence) for sequence in sequences]
    for row, (count, wanted) in enumerate(zip(counts, expected, strict=True)):
        if count != wanted:
            each = "one row of scores for the whole of it" if sequences is None else "scores for every step"
            steps = "" if sequences is None else f" for {wanted} steps"
            raise InvalidOptionError(f"{path}: sequence {row} has {count} labels{steps}; the model gives {each}")
    found = np.full((len(values), max(counts)), UNCOUNTED, np.int64)
    for row, sequence in enumerate(values):
        found[row, : len(sequence)] = _numbers(np.asarray(sequence), path)
    return found[:, 0] if sequences is None else found


def _numbers(labels: Array, path: Path) -> Array:
    """Classes of labels ``(T, C)``, one-hot or of one number. A row of zeros is no label."""
    if labels.shape[1] > 1:
        classes: Array = np.where(labels.any(axis=1), labels.argmax(axis=1), UNCOUNTED)
        return classes
    if not np.array_equal(labels, np.rint(labels)):
        raise InvalidOptionError(f"{path}: labels that are no whole numbers; expected class numbers, or one value for each class")
    numbers: Array = labels[:, 0].astype(np.int64)
    return numbers
