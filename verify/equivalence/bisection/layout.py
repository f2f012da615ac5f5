"""Reference values in the layout of the converted graph, and values of the converted graph beside the reference's.

A value of the graph is ``[dynamic axes..., *static axes]``, sequences padded at their ends. The reference gives one array, or one
per sequence. Dimensions of 1 may be more on one side than on the other: they change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.origins import Origin
from verify.equivalence.backends import Array
from verify.equivalence.cases import Batch


@dataclass(frozen=True, slots=True)
class Beside:
    """Two values element by element. ``lengths`` are those of sequences that stand one behind the other on the first axis.

    ``beyond`` is the greatest magnitude in steps beyond the ends of sequences, where what follows relies on zeros.
    """

    got: Array
    want: Array
    lengths: tuple[int, ...] | None = None
    beyond: float = 0.0


def lengths_of(batch: Batch) -> npt.NDArray[np.int64] | None:
    """The lengths of a batch's sequences; ``None`` for what has no sequences."""
    return np.array([len(sequence) for sequence in batch], np.int64) if isinstance(batch, list) else None


def as_fed(reference: Batch, origin: Origin, free: Array | None) -> Array:
    """The reference's value as the graph would hold it.

    ``free`` is what the graph itself computed, if it ran. From it come the steps beyond a sequence's end: what reads them has to
    be shown what it would have seen.
    """
    if not isinstance(reference, list):
        return _typed(_like(reference, free), free)
    if origin.dynamic_rank < 2:
        return _typed(_like(np.concatenate(reference), free), free)
    steps = max(len(sequence) for sequence in reference)
    padded = np.zeros((len(reference), steps, *reference[0].shape[1:]), reference[0].dtype)
    if free is not None and not origin.clean and free.ndim > 1 and free.shape[0] == len(reference) and free.shape[1] >= steps:
        shape = (len(reference), free.shape[1], *padded.shape[2:])
        if free.size == np.prod(shape):
            padded = free.reshape(shape).astype(padded.dtype)
    for row, sequence in zip(padded, reference, strict=True):
        row[: len(sequence)] = sequence
    return _typed(_like(padded, free), free)


def beside(got: Array, reference: Batch, origin: Origin) -> Beside | str:
    """A value of the graph beside the reference's; a sentence where the two cannot be compared."""
    if not isinstance(reference, list):
        want = _like(reference, got)
        return Beside(got, want) if want.shape == got.shape else f"shape {list(got.shape)}, the reference's {list(want.shape)}"
    lengths = tuple(len(sequence) for sequence in reference)
    if origin.dynamic_rank < 2:
        want = _like(np.concatenate(reference), got)
        same = want.shape == got.shape
        return Beside(got, want, lengths) if same else f"shape {list(got.shape)}, the reference's {list(want.shape)}"
    return _sequences_beside(got, reference, lengths, clean=origin.clean)


def _sequences_beside(got: Array, reference: list[Array], lengths: tuple[int, ...], *, clean: bool) -> Beside | str:
    steps, static = max(lengths), reference[0].shape[1:]
    if got.ndim < 2 or got.shape[0] not in (1, len(lengths)) or (got.shape[1] < steps and got.shape[1] != 1):
        return f"shape {list(got.shape)}, the reference's {len(lengths)} sequences of up to {steps} steps"
    if _without_ones(got.shape[2:]) != _without_ones(static):
        return f"shape {list(got.shape)}, the reference's {list(static)} in each step"
    full = np.broadcast_to(got, (len(lengths), max(steps, got.shape[1]), *got.shape[2:]))
    rest = [row[length:] for row, length in zip(full, lengths, strict=True) if clean and row[length:].size]
    valid = np.concatenate([row[:length] for row, length in zip(full, lengths, strict=True)])
    beyond = max((float(np.abs(steps_beyond).max()) for steps_beyond in rest), default=0.0)
    return Beside(valid.reshape(-1, *static), np.concatenate(reference), lengths, beyond)


def _like(array: Array, other: Array | None) -> Array:
    """The array in the other one's shape where dimensions of 1 are all that the two differ in."""
    if other is not None and array.shape != other.shape and _without_ones(array.shape) == _without_ones(other.shape):
        return array.reshape(other.shape)
    return array


def _typed(array: Array, other: Array | None) -> Array:
    """The array in the other one's type where both are floating-point types."""
    return array.astype(other.dtype, copy=False) if other is not None and other.dtype.kind == array.dtype.kind == "f" else array


def _without_ones(shape: tuple[int, ...]) -> list[int]:
    return [size for size in shape if size != 1]
