"""Ragged sequences as the golden cases hold them, padded to one length."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.package.packages import GOLDEN
from verify.robustness.attacks.scores import Array


@dataclass(frozen=True)
class Recorded:
    """``x`` ``(N, T, F)`` padded with zeros, ``labels`` ``(N, T)`` and ``lengths`` ``(N,)``: what the model itself answered."""

    model: Path
    x: Array
    labels: Array
    lengths: Array

    def save(self, folder: Path) -> Path:
        np.savez(folder / "data.npz", x=self.x, y=self.labels, lengths=self.lengths)
        return folder / "data.npz"


def recorded(case: str) -> Recorded:
    """The first input of a golden case and the classes of its first output, step by step."""
    with np.load(GOLDEN / case / "tensors.npz") as tensors:
        count = sum(name.startswith("input/0/") for name in tensors)
        x, labels = ([tensors[f"{kind}/0/{row}"] for row in range(count)] for kind in ("input", "output"))
    lengths = np.array([len(sequence) for sequence in x])
    return Recorded(GOLDEN / case / "model.dnn", _padded(x), _padded([each.argmax(axis=1) for each in labels]), lengths)


def _padded(sequences: list[Array]) -> Array:
    longest = max(len(sequence) for sequence in sequences)
    found = np.zeros((len(sequences), longest, *sequences[0].shape[1:]), sequences[0].dtype)
    for row, sequence in enumerate(sequences):
        found[row, : len(sequence)] = sequence
    return found
