"""The report of a robustness test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from verify.report.document.codec import decode, digits, encode
from verify.report.document.envelope import Envelope
from verify.robustness.document.result import ThreatResult
from verify.robustness.document.verdict import Verdict, worst_of
from verify.robustness.statistics import Share

SCHEMA_VERSION = "2.0"
"""1.0 knew one threat alone, whose members stood in the report itself."""


@dataclass(frozen=True, slots=True)
class Data:
    """What was attacked: ``sha256`` is that of the file, ``shape`` that of one sample.

    ``steps`` is how many steps are labelled in all where every step of a sequence has a label of its own, else 0.
    """

    sha256: str
    samples: int
    classes: int
    input: str
    output: str
    shape: tuple[int, ...]
    dtype: str
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Side:
    """The served model or its twin, on the samples as they are.

    ``steps_right`` is how many of the labelled steps it gets right, where steps are labelled. They are no interval's business:
    those of one sequence depend on each other.
    """

    role: str
    runtime: str
    accuracy: Share
    steps_right: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessReport(Envelope):
    """Who may do what to which samples, and what came of it: ``results`` has one entry for each threat."""

    DERIVED: ClassVar[tuple[str, ...]] = ("schema_version", "kind", "verdict", "holds")

    tier: str
    data: Data | None = None
    sides: tuple[Side, ...] = ()
    results: tuple[ThreatResult, ...] = ()
    seconds: float = digits(3, default=0.0)

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
        """The worst of all threats."""
        return worst_of(result.verdict for result in self.results)

    @property
    def holds(self) -> bool:
        """Whether every gate holds and nothing speaks against any result."""
        return self.verdict is Verdict.PASS

    def to_json(self) -> dict[str, Any]:
        """The report in JSON's types, with no number that JSON lacks."""
        encoded: dict[str, Any] = encode(self)
        return encoded

    @classmethod
    def from_json(cls, value: Any) -> RobustnessReport:
        """The report whose JSON form is ``value``; ``InvalidReportError`` names the member that is amiss."""
        return decode(cls, value)
