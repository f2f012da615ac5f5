"""What became of one threat: everything that was tried within one norm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from verify.report.document.codec import digits
from verify.robustness.document.attack import Attack, Distances
from verify.robustness.document.check import Check, CheckStatus
from verify.robustness.document.curve import CurvePoint
from verify.robustness.document.example import Example
from verify.robustness.document.gate import Gate
from verify.robustness.document.parity import Parity
from verify.robustness.document.verdict import Verdict
from verify.robustness.statistics import Share


@dataclass(frozen=True, slots=True)
class ThreatModel:
    """The distance that is allowed, in the model's own units, the norm, and the range that no element leaves."""

    norm: str
    epsilon: float
    low: float
    high: float
    knowledge: str = "gradients of the twin, scores of the served model"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreatResult:
    """What every attack within ``threat`` achieved, and how far that can be believed.

    ``worst`` counts the samples that withstood everything. ``distances`` are over all samples that anything broke.
    ``error`` is set where the test came to nothing.
    """

    DERIVED: ClassVar[tuple[str, ...]] = ("verdict", "holds")

    threat: ThreatModel
    attacks: tuple[Attack, ...] = ()
    worst: Share | None = None
    distances: Distances | None = None
    curve: tuple[CurvePoint, ...] = ()
    checks: tuple[Check, ...] = ()
    parity: Parity | None = None
    gates: tuple[Gate, ...] = ()
    examples: tuple[Example, ...] = ()
    seconds: float = digits(3, default=0.0)
    error: str = ""

    @property
    def verdict(self) -> Verdict:
        """An error first, then a gate that does not hold, then a sign of masking. Without an attack there is no result."""
        if self.error or not self.attacks or self.worst is None:
            return Verdict.ERROR
        if not all(gate.holds for gate in self.gates):
            return Verdict.FAIL
        if any(check.status is CheckStatus.RAISED for check in self.checks):
            return Verdict.UNRELIABLE
        return Verdict.PASS

    @property
    def holds(self) -> bool:
        """Whether every gate holds and nothing speaks against the result."""
        return self.verdict is Verdict.PASS
