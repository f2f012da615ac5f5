"""What has to hold for a pass, each held against a confidence bound."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors import InvalidOptionError
from verify.robustness.document import Gate, Parity
from verify.robustness.parity import FLIPS_AT_MOST
from verify.robustness.statistics import Share, at_least, at_most


@dataclass(frozen=True, slots=True)
class Gates:
    """``floor``: the share of samples that has to withstand everything, for a model that is said to be hardened.

    ``ceiling``: the share that may, for one that is known not to be: a canary for attacks that have lost their teeth.
    Raises ``InvalidOptionError`` for a share outside 0 to 1.
    """

    floor: float | None = None
    ceiling: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("floor", self.floor), ("ceiling", self.ceiling)):
            if value is not None and not 0 <= value <= 1:
                raise InvalidOptionError(f"a {name} of {value} is no share; expected a number from 0 to 1")

    def of(self, worst: Share, parity: Parity | None) -> tuple[Gate, ...]:
        """The gates with what was measured."""
        found = []
        if parity is not None:
            bound = at_least(parity.flips.count, parity.flips.total)
            found.append(Gate("conversion parity", FLIPS_AT_MOST, bound, parity.holds, parity.detail))
        if self.floor is not None:
            bound = at_least(worst.count, worst.total)
            told = f"{worst.count} of {worst.total} withstand everything: at 95 % a share of {bound:.3g} or more"
            found.append(Gate("floor", self.floor, bound, bound >= self.floor, told))
        if self.ceiling is not None:
            bound = at_most(worst.count, worst.total)
            told = f"{worst.count} of {worst.total} withstand everything: at 95 % a share of {bound:.3g} or less"
            found.append(Gate("ceiling", self.ceiling, bound, bound <= self.ceiling, told))
        return tuple(found)


NO_GATES = Gates()
