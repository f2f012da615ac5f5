"""Where a value stands along an axis, and the ticks of the axis."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class LogScale:
    """A logarithmic axis over whole decades, with a place for 0 below them and one for what is not finite above.

    ``place`` gives 0 for the axis' lower end and 1 for its upper one.
    """

    lowest: int  # exponents of ten
    highest: int
    has_zero: bool = False
    has_infinite: bool = False

    @classmethod
    def over(cls, values: Iterable[float], *, at_least: int = 2) -> LogScale:
        """The axis that holds ``values``, none of them negative, and covers ``at_least`` decades."""
        every = list(values)
        exponents = [math.log10(value) for value in every if 0 < value < math.inf]
        lowest = math.floor(min(exponents, default=-1) + 1e-9)
        highest = max(math.ceil(max(exponents, default=0) - 1e-9), lowest + at_least)
        return cls(lowest, highest, 0.0 in every, any(not math.isfinite(value) for value in every))

    @property
    def _steps(self) -> tuple[float, float]:
        """What lies below the decades and what lies above them, in decades."""
        gap = max(1.0, (self.highest - self.lowest) / 8)
        return (gap if self.has_zero else 0.0), (gap if self.has_infinite else 0.0)

    def place(self, value: float) -> float:
        """Where ``value`` stands, 0 to 1."""
        if not math.isfinite(value):
            return 1.0
        return self._place_of_power(math.log10(value)) if value > 0 else 0.0

    def _place_of_power(self, exponent: float) -> float:
        below, above = self._steps
        within = min(max(exponent, self.lowest), self.highest) - self.lowest
        return (below + within) / (below + (self.highest - self.lowest) + above)

    def ticks(self, most: int = 7) -> list[tuple[float, str]]:
        """Places and labels: powers of ten, and 0 and infinity where the axis has them."""
        step = max(1, math.ceil((self.highest - self.lowest) / most))
        exponents = [exponent for exponent in range(self.lowest, self.highest + 1) if exponent % step == 0]
        # Not by way of the power itself: that of 308 is the last that a double holds.
        found = [(self._place_of_power(exponent), power(exponent)) for exponent in exponents]
        return [*([(0.0, "0")] if self.has_zero else []), *found, *([(1.0, "∞")] if self.has_infinite else [])]


@dataclass(frozen=True, slots=True)
class LinearScale:
    """An axis from 0 to ``highest``, a round number."""

    highest: float

    @classmethod
    def up_to(cls, value: float) -> LinearScale:
        """The axis that holds 0 and ``value``."""
        if not 0 < value < math.inf:
            return cls(1.0)
        magnitude = 10.0 ** math.floor(math.log10(value))
        return cls(next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= value * (1 - 1e-9)))

    def place(self, value: float) -> float:
        """Where ``value`` stands, 0 to 1."""
        return min(max(value / self.highest, 0.0), 1.0)


def power(exponent: int) -> str:
    """A power of ten as it is written: ``10⁻³``, ``1``, ``10``."""
    return {0: "1", 1: "10"}.get(exponent, f"10{str(exponent).translate(_SUPERSCRIPTS)}")
