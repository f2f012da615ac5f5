"""How far apart two tensors are, in the measures that people know: mean, units in the last place, cosine, SQNR, a histogram.

All of them are over the pairs that are finite on both sides, in double precision. NaN and infinities are counted elsewhere:
one of them would drown every figure here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from verify.equivalence.ulp import ulp_distance
from verify.report.document import Histogram

EDGES = (0.0, *(10.0**exponent for exponent in range(-10, 3)), math.inf)
"""Edges of the histogram of absolute errors: decades, and all that is less or more."""

# Squares of these, and sums of billions of such squares, are ordinary doubles.
_LEAST, _GREATEST = 1e-100, 1e100

_Array = npt.NDArray[np.generic]
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


def figures(got: _Array, want: _Array, difference: _Doubles, comparable: npt.NDArray[np.bool_]) -> Figures:
    """The figures of a pair of tensors with their absolute ``difference``, where ``comparable`` marks the finite pairs."""
    if not comparable.all():
        got, want, difference = got[comparable], want[comparable], difference[comparable]
    if want.size == 0:
        return NO_FIGURES
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


def cosine(got: _Array, want: _Array) -> float:
    """The cosine of the angle between two tensors taken as vectors; 1 for two of zeros, 0 where one alone is zeros."""
    first, second = _squarable(got)[0], _squarable(want)[0]
    norms = math.sqrt(float(first @ first)) * math.sqrt(float(second @ second))
    if norms == 0:
        return 1.0 if not first.any() and not second.any() else 0.0
    return max(-1.0, min(1.0, float(first @ second) / norms))


def sqnr_db(want: _Array, difference: _Doubles) -> float:
    """Signal to quantisation noise: ten times the decimal logarithm of the signal's energy over the error's, in decibels.

    Infinite without error, minus infinite for an error upon nothing but zeros, or for one beyond the range of doubles.
    """
    (signal, signal_exponent), (error, error_exponent) = _squarable(want), _squarable(difference)
    signal_energy, error_energy = float(signal @ signal), float(error @ error)
    if error_energy == 0:
        return math.inf
    if signal_energy == 0:
        return -math.inf
    if math.isinf(error_energy):
        return -math.inf
    # Logarithms one by one: the quotient may leave the range of doubles where neither energy does.
    decades = math.log10(signal_energy) - math.log10(error_energy)
    return 10 * decades + 20 * math.log10(2) * (signal_exponent - error_exponent)


def error_histogram(difference: _Doubles) -> Histogram:
    """Counts of absolute errors between ``EDGES``."""
    # Below each edge, rather than a search for each element: that is several times as fast.
    flat = difference.ravel()
    below = [0, *(int(np.count_nonzero(flat < edge)) for edge in EDGES[1:-1]), flat.size]
    return Histogram(EDGES, tuple(high - low for low, high in pairwise(below)))


def _squarable(values: _Array) -> tuple[npt.NDArray[np.float64], int]:
    """The values as one vector of doubles, divided by a power of two where their squares would leave the range of doubles.

    The power's exponent comes with it: 0 for all but the greatest and the smallest of numbers.
    """
    flat = values.astype(np.float64, copy=False).ravel()
    greatest = max(float(flat.max()), -float(flat.min()))
    if greatest == 0 or _LEAST <= greatest <= _GREATEST:
        return flat, 0
    exponent = math.frexp(greatest)[1]
    return np.ldexp(flat, -exponent), exponent
