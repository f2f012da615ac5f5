"""One output of one case on one backend."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from verify.report.document.agreement import Agreement, Referee
from verify.report.document.metrics import Metrics
from verify.report.document.waiver import Waiver


class OutputVerdict(enum.StrEnum):
    """How a comparison ended. Anything that was not compared is not a pass."""

    AGREES = "agrees"
    DIFFERS = "differs"
    MISSING = "missing"  # recorded, and the model has no such output
    UNRECORDED = "unrecorded"  # the model's, and the case has no value for it
    WAIVED = "waived"  # beyond the tolerance of its type, within that of a waiver


@dataclass(frozen=True, slots=True)
class Allowed:
    """The tolerance that was allowed, and the reason for its width."""

    rtol: float
    atol: float
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """``shape`` is the recorded one, ``None`` where there is none, as for a ragged batch; ``reason`` is empty where it agrees."""

    name: str
    verdict: OutputVerdict
    dtype: str = ""
    shape: tuple[int, ...] | None = None
    reason: str = ""
    tolerance: Allowed | None = None
    waiver: Waiver | None = None
    metrics: Metrics | None = None
    agreement: Agreement | None = None
    referee: Referee | None = None

    @property
    def holds(self) -> bool:
        """Whether the output was compared and passes."""
        return self.verdict in {OutputVerdict.AGREES, OutputVerdict.WAIVED}
