"""What an attacker may do: how far each sample may be moved, in which norm, and within which box."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

from bridge.errors import InvalidOptionError


class Norm(enum.StrEnum):
    """How far is measured: by the element that moved most, by the length of the whole perturbation, or in tokens."""

    LINF = "linf"
    L2 = "l2"
    TOKENS = "tokens"  # how many of a sequence's one-hot tokens were replaced by others


@dataclass(frozen=True, slots=True)
class Threat:
    """``epsilon`` is a distance in the model's own units, as ``low`` and ``high`` are: no element ever leaves that range.

    Raises ``InvalidOptionError`` for a distance below zero and for a box that is empty or without bounds.
    """

    norm: Norm
    epsilon: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.epsilon) and self.epsilon >= 0):
            raise InvalidOptionError(f"a perturbation of {self.epsilon} is none; expected a finite number, 0 or greater")
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise InvalidOptionError(f"the range from {self.low} to {self.high} is none; expected two finite numbers that rise")

    def of_size(self, epsilon: float) -> Threat:
        """The same with another distance."""
        return Threat(self.norm, epsilon, self.low, self.high)
