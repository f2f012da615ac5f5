"""The report of an equivalence check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from verify.report.document.bisection import Bisection
from verify.report.document.case import Case, CaseVerdict
from verify.report.document.codec import decode, encode
from verify.report.document.determinism import Determinism
from verify.report.document.envelope import Envelope
from verify.report.document.waiver import Waiver

SCHEMA_VERSION = "1.0"


@dataclass(frozen=True, slots=True)
class Input:
    """The inputs of a case: the digest of its ``tensors.npz``, and of the model that they were recorded with."""

    case: str
    sha256: str
    model_sha256: str


@dataclass(frozen=True, slots=True)
class Backend:
    """Something that computes: ``device`` is for instance "cpu" or "cuda:0", ``options`` what it was started with."""

    name: str
    version: str
    device: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Envelope):
    """What was compared with what, on which inputs and devices, how far apart, and where the first difference arises."""

    DERIVED: ClassVar[tuple[str, ...]] = ("schema_version", "kind", "verdict", "holds")

    inputs: tuple[Input, ...] = ()
    backends: tuple[Backend, ...] = ()
    cases: tuple[Case, ...] = ()
    determinism: tuple[Determinism, ...] = ()
    bisections: tuple[Bisection, ...] = ()
    waivers: tuple[Waiver, ...] = ()

    @property
    def schema_version(self) -> str:
        """The version of the published form: a greater first number means that older readers cannot read it."""
        return SCHEMA_VERSION

    @property
    def kind(self) -> str:
        """What sort of report it is."""
        return "equivalence"

    @property
    def verdict(self) -> CaseVerdict:
        """Different where anything differs, an error where anything came to nothing; no case at all is an error."""
        verdicts = {case.verdict for case in self.cases}
        if CaseVerdict.DIFFERENT in verdicts or not all(check.holds for check in self.determinism):
            return CaseVerdict.DIFFERENT
        if not verdicts or CaseVerdict.ERROR in verdicts:
            return CaseVerdict.ERROR
        return CaseVerdict.EQUIVALENT

    @property
    def holds(self) -> bool:
        """Whether there is a case, and everything holds."""
        return self.verdict is CaseVerdict.EQUIVALENT

    def to_json(self) -> dict[str, Any]:
        """The report in JSON's types, with no number that JSON lacks."""
        encoded: dict[str, Any] = encode(self)
        return encoded

    @classmethod
    def from_json(cls, value: Any) -> Report:
        """The report whose JSON form is ``value``; ``InvalidReportError`` names the member that is amiss."""
        return decode(cls, value)
