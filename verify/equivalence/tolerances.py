"""How far a result may lie from the recorded one, by element type.

An element agrees when ``|got - want| <= atol * max(1, max|want|) + rtol * |want|``, the greatest magnitude taken over the
finite values of the recorded tensor. The absolute part is scaled because a sum of large terms that cancel carries the
rounding of the terms, not of the sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bridge.errors import InvalidGoldenCaseError


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A relative and an absolute part, which come together or not at all; ``why`` is the reason for their width."""

    rtol: float
    atol: float
    why: str = field(default="", compare=False)

    def scaled(self, factor: float) -> Tolerance:
        """Both parts, ``factor`` times as wide."""
        return Tolerance(self.rtol * factor, self.atol * factor)

    def within(self, other: Tolerance) -> bool:
        """Whether whatever passes this passes the other as well."""
        return self.rtol <= other.rtol and self.atol <= other.atol

    def __str__(self) -> str:
        return f"rtol {self.rtol:.1e} atol {self.atol:.1e}"


TOLERANCES: Mapping[str, Tolerance] = {
    "float64": Tolerance(
        1e-5,
        1e-6,
        "CNTK computes some reductions of doubles in another order than any runtime; ten digits below the point survive that",
    ),
    "float32": Tolerance(
        1e-3, 1e-5, "matrix products of a few thousand terms lose three of seven digits in the worst order of summation"
    ),
    "float16": Tolerance(
        2e-2, 5e-3, "eleven bits of significand, and kernels that sum in float16 on one side and in float32 on the other"
    ),
    "int64": Tolerance(0.0, 0.0, "indices and lengths are counts: they agree or they do not"),
}


def tolerance_for(dtype: np.dtype[np.generic]) -> Tolerance:
    """The tolerance of an element type; ``InvalidGoldenCaseError`` for one that no golden case holds."""
    try:
        return TOLERANCES[dtype.name]
    except KeyError:
        raise InvalidGoldenCaseError(
            f"no tolerance for elements of {dtype.name}; expected one of {', '.join(TOLERANCES)}"
        ) from None
