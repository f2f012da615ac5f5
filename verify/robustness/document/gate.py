"""Something that has to hold for a pass."""

from __future__ import annotations

from dataclasses import dataclass

from verify.report.document.codec import digits


@dataclass(frozen=True, slots=True)
class Gate:
    """``bound`` is the confidence bound that was held against ``required``; never the estimate itself."""

    name: str
    required: float
    bound: float = digits(6)
    holds: bool = False
    detail: str = ""
