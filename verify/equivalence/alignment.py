"""A converted model's output and the recorded value of it, brought into one form: element beside element."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verify.equivalence.backends import Array
from verify.equivalence.cases import Batch


@dataclass(frozen=True, slots=True)
class Aligned:
    """``lengths`` are those of sequences that stand one behind the other along the first axis; ``None`` without sequences."""

    got: Array
    want: Array
    lengths: tuple[int, ...] | None = None


def align(got: Array, want: Batch) -> Aligned | str:
    """``[N, *shape]``, padded ``[N, T, *shape]`` or folded ``[N * T, *shape]``, beside the recorded value.

    A sentence where the two cannot be laid side by side, or where padding is not zero.
    """
    if not isinstance(want, list):
        return Aligned(got, want)
    lengths = tuple(len(sequence) for sequence in want)
    if got.ndim == want[0].ndim:
        if len(got) != sum(lengths):
            return f"{len(got)} samples, recorded {sum(lengths)} steps in {len(want)} sequences"
        return Aligned(got, np.concatenate(want), lengths)
    if got.ndim == 0 or got.ndim != want[0].ndim + 1 or len(got) != len(want):
        return f"shape {list(got.shape)}, recorded {len(want)} sequences of {list(want[0].shape[1:])} per step"
    for number, (row, length) in enumerate(zip(got, lengths, strict=True)):
        if len(row) < length:
            return f"sequence {number}: {len(row)} steps, recorded {length}"
        if np.any(row[length:] != 0):
            return f"sequence {number}: the padding after step {length} is not zero"
    valid = [row[:length] for row, length in zip(got, lengths, strict=True)]
    return Aligned(np.concatenate(valid), np.concatenate(want), lengths)
