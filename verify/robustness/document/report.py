"""The report of a robustness test."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, ClassVar

from verify.report.document.codec import decode, digits, encode
from verify.report.document.envelope import Envelope
from verify.robustness.document.attack import Attack, Distances
from verify.robustness.document.check import Check, CheckStatus
from verify.robustness.document.curve import CurvePoint
from verify.robustness.document.example import Example
from verify.robustness.document.gate import Gate
from verify.robustness.document.parity import Parity
from verify.robustness.statistics import Share

SCHEMA_VERSION = "1.0"


class Verdict(enum.StrEnum):
    """How a test ended. Only ``PASS`` is good: an unreliable result says nothing in the model's favour."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    UNRELIABLE = "unreliable"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class ThreatModel:
    """The distance that is allowed, in the model's own units, the norm, and the range that no element leaves."""

    norm: str
    epsilon: float
    low: float
    high: float
    knowledge: str = "gradients of the twin, scores of the served model"


@dataclass(frozen=True, slots=True)
class Data:
    """What was attacked: ``sha256`` is that of the file, ``shape`` that of one sample."""

    sha256: str
    samples: int
    classes: int
    input: str
    output: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Side:
    """The served model or its twin, on the samples as they are."""

    role: str
    runtime: str
    accuracy: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessReport(Envelope):
    """Who may do what to which samples, what every attack achieved, and how far that can be believed.

    ``worst`` counts the samples that withstood everything. ``distances`` are over all samples that anything broke.
    ``error`` is set where the test came to nothing.
    """

    DERIVED: ClassVar[tuple[str, ...]] = ("schema_version", "kind", "verdict", "holds")

    tier: str
    threat: ThreatModel
    data: Data | None = None
    sides: tuple[Side, ...] = ()
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
    def schema_version(self) -> str:
        """The version of the published form."""
        return SCHEMA_VERSION

    @property
    def kind(self) -> str:
        """What sort of report it is."""
        return "robustness"

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

    def to_json(self) -> dict[str, Any]:
        """The report in JSON's types, with no number that JSON lacks."""
        encoded: dict[str, Any] = encode(self)
        return encoded

    @classmethod
    def from_json(cls, value: Any) -> RobustnessReport:
        """The report whose JSON form is ``value``; ``InvalidReportError`` names the member that is amiss."""
        return decode(cls, value)
