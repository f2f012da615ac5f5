"""Two tensors compared: types and shapes first, then every element, with what a person needs to judge a difference."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from verify.equivalence.tolerances import Tolerance

Array = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found. ``problem`` is set when types or shapes differ, and then no element was compared.

    ``required`` is the factor by which the tolerance would have to be widened for everything to agree: at most 1 where
    it does, infinite where no tolerance would do (a NaN or an infinity on one side alone).
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


def compare(got: Array, want: Array, tolerance: Tolerance) -> Comparison:
    """``got`` against the recorded ``want``, both of any shape."""
    if got.dtype != want.dtype:
        return Comparison(problem=f"type {got.dtype}, recorded {want.dtype}")
    if got.shape != want.shape:
        return Comparison(problem=f"shape {list(got.shape)}, recorded {list(want.shape)}")
    if want.size == 0:
        return Comparison()
    # A quotient beyond the greatest double is infinitely too great, which is what the overflow gives.
    with np.errstate(over="ignore"):
        return _compare_elements(got.astype(np.float64), want.astype(np.float64), tolerance)


def _compare_elements(got: npt.NDArray[np.float64], want: npt.NDArray[np.float64], tolerance: Tolerance) -> Comparison:
    magnitude = np.where(np.isfinite(want), np.abs(want), 0.0)
    bound = tolerance.atol * max(1.0, float(magnitude.max())) + tolerance.rtol * magnitude
    nan_differs = np.isnan(got) != np.isnan(want)
    infinity_differs = ~nan_differs & (np.isinf(got) | np.isinf(want)) & (got != want)
    comparable = np.isfinite(got) & np.isfinite(want)
    difference = np.zeros_like(want)
    np.subtract(got, want, out=difference, where=comparable)
    np.abs(difference, out=difference)
    # How many times the bound each difference is; where the bound is zero any difference is infinitely too great.
    ratio = np.where(difference > 0, np.inf, 0.0)
    np.divide(difference, bound, out=ratio, where=bound > 0)
    ratio[nan_differs | infinity_differs] = np.inf
    worst = np.unravel_index(int(ratio.argmax()), ratio.shape)
    relative = np.zeros_like(want)
    np.divide(difference, magnitude, out=relative, where=magnitude > 0)
    return Comparison(
        elements=want.size,
        mismatches=int((ratio > 1).sum()),
        nan_mismatches=int(nan_differs.sum()),
        infinite_mismatches=int(infinity_differs.sum()),
        max_abs=float(difference.max()),
        max_rel=float(relative.max()),
        required=float(ratio[worst]),
        worst_index=tuple(int(i) for i in worst),
        worst_got=float(got[worst]),
        worst_want=float(want[worst]),
    )


def merge(parts: list[Comparison]) -> Comparison:
    """The comparisons of a batch's sequences as one; a worst index gains the sequence's number in front."""
    total = Comparison()
    for number, part in enumerate(parts):
        if part.problem is not None:
            return Comparison(problem=f"sequence {number}: {part.problem}")
        worse = part.worst_index is not None and (total.worst_index is None or part.required > total.required)
        total = Comparison(
            elements=total.elements + part.elements,
            mismatches=total.mismatches + part.mismatches,
            nan_mismatches=total.nan_mismatches + part.nan_mismatches,
            infinite_mismatches=total.infinite_mismatches + part.infinite_mismatches,
            max_abs=max(total.max_abs, part.max_abs),
            max_rel=max(total.max_rel, part.max_rel),
            required=max(total.required, part.required),
            worst_index=(number, *part.worst_index) if worse and part.worst_index is not None else total.worst_index,
            worst_got=part.worst_got if worse else total.worst_got,
            worst_want=part.worst_want if worse else total.worst_want,
        )
    return total


def minimum_tolerance(comparison: Comparison, tolerance: Tolerance) -> Tolerance | None:
    """The narrowest tolerance of the same proportions that would pass; ``None`` where none would."""
    if comparison.problem is not None or not math.isfinite(comparison.required):
        return None
    return tolerance.scaled(comparison.required)
