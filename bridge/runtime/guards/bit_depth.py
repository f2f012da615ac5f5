"""A sanitiser: values are rounded to a few levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge.errors import InvalidOptionError
from bridge.runtime.guards.guard import Array, Call, Kind

BITS_AT_MOST = 16


@dataclass(frozen=True, slots=True)
class BitDepthSqueeze:
    """Rounds to the ``2 ** bits`` evenly spaced values from ``minimum`` to ``maximum``; what is outside becomes the nearest.

    Takes away perturbations smaller than half a level, by whoever does not know of it. Who does rounds likewise, or treats the
    rounding as the identity when differentiating, and loses little.
    """

    input: str
    bits: int
    minimum: float = 0.0
    maximum: float = 1.0
    name: str = "bit-depth"
    kind: Kind = Kind.SANITISER

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= BITS_AT_MOST or not self.minimum < self.maximum:
            raise InvalidOptionError(
                f"bit-depth: {self.bits} bits from {self.minimum} to {self.maximum}; expected 1 to {BITS_AT_MOST} and a range"
            )

    def apply(self, value: Array, call: Call | None = None) -> Array:
        """A new array of the same type and shape; integers are returned as they are, having levels already."""
        del call
        if value.dtype.kind != "f":
            return value
        levels = (1 << self.bits) - 1
        scale = levels / (self.maximum - self.minimum)
        # Half precision does not reach as many levels as there may be.
        number = np.promote_types(value.dtype, np.float32).type
        made: Array = (value - number(self.minimum)) * number(scale)
        np.rint(made, out=made)
        np.clip(made, 0, levels, out=made)
        made *= number(1 / scale)
        made += number(self.minimum)
        return made.astype(value.dtype, copy=False)
