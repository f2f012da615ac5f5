"""Two tensors compared: types and shapes first, then every element, with what a person needs to judge a difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from verify.equivalence.figures import NO_FIGURES, Figures, figures
from verify.equivalence.tolerances import Tolerance
from verify.report.document import Metrics, Minimum

Array = npt.NDArray[np.generic]
_Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found. ``problem`` is set when types or shapes differ, and then no element was compared.

    ``required`` is the factor by which the tolerance would have to be widened for everything to agree: at most 1 where
    it does, infinite where no tolerance would do (a NaN or an infinity on one side alone). ``worst_index`` is the element
    that exceeds its bound the most; of sequences it begins with the sequence's number.
    """

    elements: int = 0
    mismatches: int = 0
    nan_mismatches: int = 0  # NaN on one side alone
    infinite_mismatches: int = 0  # an infinity that the other side does not have
    max_abs: float = 0.0
    max_rel: float = 0.0
    required: float = 0.0
    worst_index: tuple[int, ...] | None = None
    worst_got: float = 0.0
    worst_want: float = 0.0
    problem: str | None = None
    figures: Figures = NO_FIGURES

    @property
    def agrees(self) -> bool:
        """Whether types, shapes and every element agree."""
        return self.problem is None and self.mismatches == 0

    def reason(self) -> str:
        """Why it does not agree; empty where it does."""
        if self.problem is not None:
            return self.problem
        if self.mismatches == 0:
            return ""
        where = f" at {list(self.worst_index)}" if self.worst_index is not None else ""
        share = 100 * self.mismatches / self.elements
        special = [
            f"{count} {what}" for count, what in ((self.nan_mismatches, "NaN"), (self.infinite_mismatches, "infinite")) if count
        ]
        kinds = f" ({', '.join(special)})" if special else ""
        return (
            f"{self.mismatches} of {self.elements} values differ ({share:.3g} %){kinds}; "
            f"the worst{where}: got {self.worst_got:.9g}, recorded {self.worst_want:.9g}"
        )

    def metrics(self, tolerance: Tolerance) -> Metrics | None:
        """The comparison, made with ``tolerance``, as reports hold it; ``None`` where no element was compared."""
        if self.problem is not None:
            return None
        minimum = minimum_tolerance(self, tolerance)
        return Metrics(
            elements=self.elements,
            mismatches=self.mismatches,
            nan_mismatches=self.nan_mismatches,
            infinite_mismatches=self.infinite_mismatches,
            max_abs=self.max_abs,
            max_rel=self.max_rel,
            mean_abs=self.figures.mean_abs,
            max_ulp=self.figures.max_ulp,
            median_ulp=self.figures.median_ulp,
            cosine=self.figures.cosine,
            sqnr_db=self.figures.sqnr_db,
            worst_index=self.worst_index,
            worst_got=self.worst_got,
            worst_recorded=self.worst_want,
            minimum=None if minimum is None else Minimum(minimum.rtol, minimum.atol),
            histogram=self.figures.histogram,
        )


def compare(got: Array, want: Array, tolerance: Tolerance, lengths: Sequence[int] | None = None) -> Comparison:
    """``got`` against the recorded ``want``, both of any shape.

    With ``lengths`` both are sequences one behind the other, ``[sum of lengths, *shape]``, each of which has a scale of its own.
    """
    if got.dtype != want.dtype:
        return Comparison(problem=f"type {got.dtype}, recorded {want.dtype}")
    if got.shape != want.shape:
        return Comparison(problem=f"shape {list(got.shape)}, recorded {list(want.shape)}")
    if want.size == 0:
        return Comparison()
    # A quotient beyond the greatest double is infinitely too great, which is what the overflow gives.
    with np.errstate(over="ignore"):
        return _compare_elements(got, want, tolerance, lengths)


def allowed_error(want: _Doubles, tolerance: Tolerance, lengths: Sequence[int] | None = None) -> _Doubles:
    """The greatest absolute error that each element may have. ``lengths`` as in ``compare``."""
    magnitude = np.where(np.isfinite(want), np.abs(want), 0.0)
    bound = tolerance.rtol * magnitude
    if lengths is None:
        bound += tolerance.atol * max(1.0, float(magnitude.max()))
        return bound
    used = np.array([length for length in lengths if length], dtype=np.intp)
    greatest = magnitude.reshape(len(magnitude), -1).max(axis=1)
    scales = np.maximum(np.maximum.reduceat(greatest, np.cumsum(used) - used), 1.0)
    bound += (tolerance.atol * np.repeat(scales, used)).reshape(-1, *[1] * (want.ndim - 1))
    return bound


def _compare_elements(got: Array, want: Array, tolerance: Tolerance, lengths: Sequence[int] | None) -> Comparison:
    ours, theirs = got.astype(np.float64), want.astype(np.float64)
    bound = allowed_error(theirs, tolerance, lengths)
    nan_differs = np.isnan(ours) != np.isnan(theirs)
    infinity_differs = ~nan_differs & (np.isinf(ours) | np.isinf(theirs)) & (ours != theirs)
    comparable = np.isfinite(ours) & np.isfinite(theirs)
    difference = np.zeros_like(theirs)
    np.subtract(ours, theirs, out=difference, where=comparable)
    np.abs(difference, out=difference)
    if want.dtype.kind in "iub":
        # Integers beyond 2**53 may differ by less than a double can tell.
        np.maximum(difference, got != want, out=difference)
    # How many times the bound each difference is; where the bound is zero any difference is infinitely too great.
    ratio = np.where(difference > 0, np.inf, 0.0)
    np.divide(difference, bound, out=ratio, where=bound > 0)
    ratio[nan_differs | infinity_differs] = np.inf
    worst = np.unravel_index(int(ratio.argmax()), ratio.shape)
    magnitude = np.abs(theirs)
    relative = np.zeros_like(theirs)
    np.divide(difference, magnitude, out=relative, where=comparable & (magnitude > 0))
    return Comparison(
        elements=want.size,
        mismatches=int((ratio > 1).sum()),
        nan_mismatches=int(nan_differs.sum()),
        infinite_mismatches=int(infinity_differs.sum()),
        max_abs=float(difference.max()),
        max_rel=float(relative.max()),
        required=float(ratio[worst]),
        worst_index=_in_sequence(tuple(int(i) for i in worst), lengths),
        worst_got=float(ours[worst]),
        worst_want=float(theirs[worst]),
        figures=figures(got, want, difference, comparable),
    )


def _in_sequence(index: tuple[int, ...], lengths: Sequence[int] | None) -> tuple[int, ...]:
    """An index into sequences one behind the other as the sequence's number, the step in it, and the rest."""
    if lengths is None:
        return index
    step = index[0]
    for number, length in enumerate(lengths):
        if step < length:
            return (number, step, *index[1:])
        step -= length
    raise AssertionError(f"step {index[0]} of {sum(lengths)}")


def minimum_tolerance(comparison: Comparison, tolerance: Tolerance) -> Tolerance | None:
    """The narrowest tolerance of the same proportions that would pass; ``None`` where none would."""
    if comparison.problem is not None or not math.isfinite(comparison.required):
        return None
    return tolerance.scaled(comparison.required)
