"""What a check of a converted model found, as data: ``verify.report`` turns it into something to look at."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Any

from verify.equivalence.comparison import Comparison, minimum_tolerance
from verify.equivalence.tolerances import Tolerance


class Verdict(enum.Enum):
    """How a comparison ended. Anything that was not compared is not a pass."""

    AGREES = "agrees"
    DIFFERS = "differs"
    MISSING = "missing"  # recorded, and the model has no such output
    UNRECORDED = "unrecorded"  # the model's, and the case has no value for it
    FAILED = "failed"  # nothing could be computed


@dataclass(frozen=True, slots=True)
class OutputReport:
    """One output in one case on one backend."""

    name: str
    verdict: Verdict
    dtype: str = ""
    tolerance: Tolerance | None = None
    comparison: Comparison | None = None
    reason: str = ""

    @property
    def minimum(self) -> Tolerance | None:
        """The narrowest tolerance that would pass; ``None`` where none would or nothing was compared."""
        if self.comparison is None or self.tolerance is None:
            return None
        return minimum_tolerance(self.comparison, self.tolerance)

    def to_json(self) -> dict[str, Any]:
        """The report in JSON's types; numbers that JSON lacks are text."""
        result: dict[str, Any] = {"name": self.name, "verdict": self.verdict.value, "dtype": self.dtype, "reason": self.reason}
        if self.tolerance is not None:
            result["allowed"] = {"rtol": self.tolerance.rtol, "atol": self.tolerance.atol}
        if self.comparison is not None and self.comparison.problem is None:
            minimum = self.minimum
            result |= {
                "elements": self.comparison.elements,
                "mismatches": self.comparison.mismatches,
                "nan_mismatches": self.comparison.nan_mismatches,
                "infinite_mismatches": self.comparison.infinite_mismatches,
                "max_abs": _number(self.comparison.max_abs),
                "max_rel": _number(self.comparison.max_rel),
                "worst_index": list(self.comparison.worst_index) if self.comparison.worst_index is not None else None,
                "worst_got": _number(self.comparison.worst_got),
                "worst_recorded": _number(self.comparison.worst_want),
                "minimum": None if minimum is None else {"rtol": minimum.rtol, "atol": minimum.atol},
            }
        return result


@dataclass(frozen=True, slots=True)
class CaseReport:
    """One case on one backend. ``error`` is set when the case came to nothing before its outputs could be compared."""

    case: str
    backend: str
    outputs: tuple[OutputReport, ...] = ()
    seconds: float = 0.0
    error: str = ""
    note: str = ""  # what else there is to say of a case that holds, such as a refusal that was expected

    @property
    def holds(self) -> bool:
        """Whether every output was compared and agrees."""
        return not self.error and all(output.verdict is Verdict.AGREES for output in self.outputs)

    def to_json(self) -> dict[str, Any]:
        """The report in JSON's types."""
        return {
            "case": self.case,
            "backend": self.backend,
            "holds": self.holds,
            "error": self.error,
            "note": self.note,
            "seconds": round(self.seconds, 6),
            "outputs": [output.to_json() for output in self.outputs],
        }


@dataclass(frozen=True, slots=True)
class EquivalenceReport:
    """All cases that a model was checked on. No case at all is not a pass."""

    cases: tuple[CaseReport, ...]

    @property
    def holds(self) -> bool:
        """Whether there is a case and every case holds."""
        return bool(self.cases) and all(case.holds for case in self.cases)

    def to_json(self) -> dict[str, Any]:
        """The report in JSON's types."""
        held = sum(case.holds for case in self.cases)
        return {
            "holds": self.holds,
            "cases_held": held,
            "cases_total": len(self.cases),
            "cases": [case.to_json() for case in self.cases],
        }


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
