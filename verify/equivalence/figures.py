"""How far apart two tensors are, in the measures that people know: mean, units in the last place, cosine, SQNR, a histogram.

All of them are over the pairs that are finite on both sides, in double precision. NaN and infinities are counted elsewhere:
one of them would drown every figure here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from verify.equivalence.ulp import ulp_distance
from verify.report.document import Histogram

EDGES = (0.0, *(10.0**exponent for exponent in range(-10, 3)), math.inf)
"""Edges of the histogram of absolute errors: decades, and all that is less or more."""

_Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figures:
    """``None`` where there is nothing to compute it from: no finite pair, or integers.

    ``sqnr_db`` is infinite where all pairs are equal. ``max_ulp`` and ``median_ulp`` count representable numbers of the tensors'
    own type.
    """

    mean_abs: float | None = None
    max_ulp: float | None = None
    median_ulp: float | None = None
    cosine: float | None = None
    sqnr_db: float | None = None
    histogram: Histogram | None = None


NO_FIGURES = Figures()
"""Of tensors with nothing to compare."""


def figures(
    got: npt.NDArray[np.generic], want: npt.NDArray[np.generic], difference: _Doubles, comparable: npt.NDArray[np.bool_]
) -> Figures:
    """The figures of a pair of tensors with their absolute ``difference``, where ``comparable`` marks the finite pairs."""
    if not comparable.all():
        got, want, difference = got[comparable], want[comparable], difference[comparable]
    if want.size == 0:
        return Figures()
    histogram = error_histogram(difference)
    mean_abs = float(difference.mean())
    if want.dtype.kind != "f":
        return Figures(mean_abs=mean_abs, histogram=histogram)
    distance = ulp_distance(got, want)
    return Figures(
        mean_abs=mean_abs,
        max_ulp=float(distance.max()),
        median_ulp=float(np.median(distance)),
        cosine=cosine(got, want),
        sqnr_db=sqnr_db(want, difference),
        histogram=histogram,
    )


def cosine(got: npt.NDArray[np.generic], want: npt.NDArray[np.generic]) -> float:
    """The cosine of the angle between two tensors taken as vectors; 1 for two of zeros, 0 where one alone is zeros."""
    first, second = _scaled(got), _scaled(want)
    norms = math.sqrt(float(first @ first)) * math.sqrt(float(second @ second))
    if norms == 0:
        return 1.0 if not first.any() and not second.any() else 0.0
    return max(-1.0, min(1.0, float(first @ second) / norms))


def sqnr_db(want: npt.NDArray[np.generic], difference: _Doubles) -> float:
    """Signal to quantisation noise: ten times the decimal logarithm of the signal's energy over the error's, in decibels.

    Infinite without error, minus infinite for an error upon nothing but zeros.
    """
    error, signal = float(np.abs(difference).max()), float(np.abs(want).max())
    if error == 0:
        return math.inf
    if signal == 0:
        return -math.inf
    # Both are scaled to 1, so that no square of theirs leaves the range of doubles.
    energies = [float(scaled @ scaled) for scaled in (_scaled(want), _scaled(difference))]
    return 10 * math.log10(energies[0] / energies[1]) + 20 * (math.log10(signal) - math.log10(error))


def error_histogram(difference: _Doubles) -> Histogram:
    """Counts of absolute errors between ``EDGES``."""
    places = np.searchsorted(np.array(EDGES[1:-1]), difference.ravel(), side="right")
    return Histogram(EDGES, tuple(np.bincount(places, minlength=len(EDGES) - 1).tolist()))


def _scaled(values: npt.NDArray[np.generic]) -> _Doubles:
    """The values as one vector whose greatest magnitude is 1; zeros stay zeros."""
    flat = values.astype(np.float64).ravel()
    greatest = float(np.abs(flat).max())
    if greatest == 0:
        return flat
    # Dividing by a denormal may overflow to infinity; halving the exponents first cannot.
    mantissa, exponent = math.frexp(greatest)
    return np.ldexp(flat, -exponent) / mantissa
