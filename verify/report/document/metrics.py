"""How far a computed tensor lies from the recorded one."""

from __future__ import annotations

from dataclasses import dataclass

from verify.report.document.codec import digits


@dataclass(frozen=True, slots=True)
class Minimum:
    """The narrowest tolerance that would pass."""

    rtol: float
    atol: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of elements by absolute error: ``counts[i]`` of them lie from ``edges[i]`` to below ``edges[i + 1]``.

    ``edges`` rise and are one longer than ``counts``; the last may be infinite. Elements that agree to the bit have an error of
    0, which the first bin holds.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """The figures of one comparison, over all its elements; errors are computed in double precision.

    ``max_ulp`` and ``median_ulp`` count representable values between the two, in the recorded tensor's type. ``sqnr_db`` is the
    ratio of signal to error in decibels. ``None`` stands for a figure that was not computed or has no meaning (integers).
    ``worst_index`` is the index of the element that exceeds its bound the most, ``()`` for a scalar.
    """

    elements: int
    mismatches: int
    nan_mismatches: int = 0
    infinite_mismatches: int = 0
    max_abs: float = digits(9)
    max_rel: float = digits(9)
    mean_abs: float | None = digits(9, default=None)
    max_ulp: float | None = digits(9, default=None)
    median_ulp: float | None = digits(9, default=None)
    cosine: float | None = digits(15, default=None)
    sqnr_db: float | None = digits(6, default=None)
    worst_index: tuple[int, ...] | None = None
    worst_got: float | None = None
    worst_recorded: float | None = None
    minimum: Minimum | None = None
    histogram: Histogram | None = None
