"""One check that a change which should not matter does not matter."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from verify.report.document.codec import digits


class DeterminismVerdict(enum.StrEnum):
    """How far two runs may lie apart depends on the check: a repetition has to be identical, more threads need only agree."""

    IDENTICAL = "identical"
    AGREES = "agrees"  # not the same bits, within what the check allows
    DIFFERS = "differs"
    SKIPPED = "skipped"  # it does not apply; ``detail`` says why
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Determinism:
    """``check`` is its name ("repeat", "threads", ...); ``max_abs`` the greatest difference, where there is one."""

    check: str
    backend: str
    verdict: DeterminismVerdict
    identical: bool
    max_abs: float | None = digits(9, default=None)
    detail: str = ""

    @property
    def holds(self) -> bool:
        """Whether it is no reason to refuse the model."""
        return self.verdict not in {DeterminismVerdict.DIFFERS, DeterminismVerdict.ERROR}
