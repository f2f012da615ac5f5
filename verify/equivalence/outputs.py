"""One output of a converted model against what was recorded of it, in whichever form the conventions give it."""

from __future__ import annotations

import numpy as np

from verify.equivalence.backends import Array
from verify.equivalence.cases import Batch
from verify.equivalence.comparison import Comparison, compare, merge
from verify.equivalence.tolerances import Tolerance


def compare_output(got: Array, want: Batch, tolerance: Tolerance) -> Comparison:
    """``[N, *shape]``, padded ``[N, T, *shape]`` or folded ``[N * T, *shape]``, against the recorded value."""
    if not isinstance(want, list):
        return compare(got, want, tolerance)
    if got.ndim == want[0].ndim:
        return _compare_folded(got, want, tolerance)
    if got.ndim == 0 or got.ndim != want[0].ndim + 1 or len(got) != len(want):
        return Comparison(
            problem=f"shape {list(got.shape)}, recorded {len(want)} sequences of {list(want[0].shape[1:])} per step"
        )
    return merge([_compare_sequence(row, sequence, tolerance) for row, sequence in zip(got, want, strict=True)])


def _compare_folded(got: Array, want: list[Array], tolerance: Tolerance) -> Comparison:
    steps = sum(len(sequence) for sequence in want)
    if len(got) != steps:
        return Comparison(problem=f"{len(got)} samples, recorded {steps} steps in {len(want)} sequences")
    rows = np.split(got, np.cumsum([len(sequence) for sequence in want])[:-1])
    return merge([compare(row, sequence, tolerance) for row, sequence in zip(rows, want, strict=True)])


def _compare_sequence(row: Array, sequence: Array, tolerance: Tolerance) -> Comparison:
    if len(row) < len(sequence):
        return Comparison(problem=f"{len(row)} steps, recorded {len(sequence)}")
    if np.any(row[len(sequence) :] != 0):
        return Comparison(problem=f"the padding after step {len(sequence)} is not zero")
    return compare(row[: len(sequence)], sequence, tolerance)
