"""Inputs from numpy's files.

``.npz``: an array ``[N, *shape]`` for every input under its name or uid; with a sequence axis one array ``[T, *shape]`` for each
sequence, ``<name>/0``, ``<name>/1`` and so on. ``.npy``: the one array of a model with one input. Sparse inputs are given dense.
Nothing is unpickled, and nothing larger than the file justifies is allocated.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bridge.errors import InvalidGoldenCaseError, InvalidInputsError
from bridge.reference.recording.model_inputs import ModelInput
from bridge.reference.values import Array, Batch
from verify.equivalence.archive import TensorArchive
from verify.equivalence.regular_file import open_regular

_MEMBERS = 1_000_000


def read_arrays(path: Path, inputs: tuple[ModelInput, ...]) -> dict[str, Batch]:
    """The values of ``inputs`` by uid; ``InvalidInputsError`` names the array at fault."""
    if path.suffix == ".npy":
        return _single(path, inputs)
    try:
        with TensorArchive(path) as archive:
            names = archive.names
            if len(names) > _MEMBERS:
                raise InvalidInputsError(f"{path}: expected at most {_MEMBERS} arrays, found {len(names)}")
            return {item.uid: _from_archive(archive, names, item) for item in inputs}
    except InvalidGoldenCaseError as error:
        raise InvalidInputsError(str(error)) from error


def _single(path: Path, inputs: tuple[ModelInput, ...]) -> dict[str, Batch]:
    if len(inputs) != 1 or inputs[0].sequence_axis is not None:
        needed = ", ".join(item.public_name for item in inputs)
        raise InvalidInputsError(
            f"{path}: one array serves a model of one input without a sequence axis; this one takes {needed}"
        )
    try:
        with open_regular(path):
            pass  # A pipe would be waited for, and cannot be mapped.
        # Mapped, so that a header that promises more than the file holds allocates nothing.
        value: Array = np.array(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise InvalidInputsError(f"{path}: not a readable .npy file: {error}") from error
    return {inputs[0].uid: _fitting(value, inputs[0], path.name, leading=1 if inputs[0].batched else 0)}


def _from_archive(archive: TensorArchive, names: frozenset[str], item: ModelInput) -> Batch:
    for name in (item.name, item.uid):
        if not name:
            continue
        if item.sequence_axis is None and name in names:
            return _fitting(archive.read(name), item, name, leading=1 if item.batched else 0)
        if item.sequence_axis is not None and f"{name}/0" in names:
            numbered = [f"{name}/{j}" for j in range(sum(1 for key in names if key.startswith(f"{name}/")))]
            if missing := next((key for key in numbered if key not in names), None):
                raise InvalidInputsError(f"no array {missing}, though there are {len(numbered)} whose names begin with {name}/")
            return [_fitting(archive.read(key), item, key, leading=1) for key in numbered]
    wanted = item.public_name if item.sequence_axis is None else f"{item.public_name}/0, one array for each sequence"
    raise InvalidInputsError(f"no array {wanted}; the file has {', '.join(map(repr, sorted(names)[:20])) or 'none'}")


def _fitting(value: Array, item: ModelInput, name: str, *, leading: int) -> Array:
    """``value`` in the input's type, if its shape is the input's behind ``leading`` axes of samples or steps."""
    static = value.shape[leading:]
    fits = len(static) == len(item.shape) and all(want < 0 or want == have for want, have in zip(item.shape, static, strict=True))
    if value.ndim < leading or not fits or value.shape[:leading] == (0,):
        axes = ["N" if item.sequence_axis is None else "T"] * leading
        expected = ", ".join([*axes, *("any" if dimension < 0 else str(dimension) for dimension in item.shape)])
        raise InvalidInputsError(f"array {name!r} has shape {value.shape}; the input {item.public_name} expects [{expected}]")
    if value.dtype.kind not in "fiub":
        raise InvalidInputsError(f"array {name!r} holds {value.dtype}; expected numbers")
    return value.astype(item.dtype)
