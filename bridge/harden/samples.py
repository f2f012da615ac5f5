"""The user's labelled samples, from an ``.npz``, split by class into training, validation and test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bridge.errors import InvalidGoldenCaseError, InvalidInputsError
from verify.equivalence.archive import TensorArchive

Array: TypeAlias = npt.NDArray[Any]
Labels: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Samples:
    """``x`` ``[N, ...]`` as the model's input takes it, ``y`` ``[N]`` the classes, from 0."""

    x: Array
    y: Labels

    def __len__(self) -> int:
        return len(self.y)

    def at(self, rows: npt.NDArray[np.intp]) -> Samples:
        """Those samples alone."""
        return Samples(self.x[rows], self.y[rows])


@dataclass(frozen=True, slots=True)
class Split:
    """``validation`` chooses when training stops; ``test`` has no part in any choice, and is what is reported."""

    training: Samples
    validation: Samples
    test: Samples


def read_samples(path: Path) -> tuple[Samples, str]:
    """The arrays ``x`` and ``y`` of the file, and its SHA-256. Raises ``InvalidInputsError`` for what cannot be used."""
    try:
        with TensorArchive(path) as archive:
            x, y = archive.read("x"), archive.read("y")
            sha256 = archive.sha256
    except InvalidGoldenCaseError as error:
        raise InvalidInputsError(f"{error}; expected an .npz with the arrays x [N, ...] and y [N]") from error
    if x.ndim < 2 or y.ndim != 1 or len(x) != len(y) or y.dtype.kind not in "iu":
        raise InvalidInputsError(
            f"{path}: x {list(x.shape)} and y {list(y.shape)} of {y.dtype}; expected x [N, ...], y [N] of integers"
        )
    if len(y) == 0 or int(y.min()) < 0:
        raise InvalidInputsError(f"{path}: no samples, or a class below 0")
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        raise InvalidInputsError(f"{path}: x holds values that are not finite")
    return Samples(x, y.astype(np.int64)), sha256


def split(samples: Samples, *, seed: int, validation: float = 0.15, test: float = 0.25) -> Split:
    """Split every class by the same shares, in an order drawn by ``seed``. Raises ``InvalidInputsError`` for too few samples."""
    generator = np.random.default_rng(seed)
    parts: tuple[list[npt.NDArray[np.intp]], ...] = ([], [], [])
    for label in np.unique(samples.y):
        rows = generator.permutation(np.flatnonzero(samples.y == label))
        first = max(1, round(len(rows) * validation))
        second = first + max(1, round(len(rows) * test))
        if second >= len(rows):
            raise InvalidInputsError(f"{len(rows)} sample(s) of class {label}: too few to train, validate and test with")
        for part, chosen in zip(parts, (rows[second:], rows[:first], rows[first:second]), strict=True):
            part.append(chosen)
    training, held, tested = (samples.at(np.sort(np.concatenate(part))) for part in parts)
    return Split(training, held, tested)
