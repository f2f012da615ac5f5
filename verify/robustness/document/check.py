"""One sign that robustness is feigned: looked for, and found or not."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class CheckStatus(enum.StrEnum):
    """``NOTED`` is worth knowing and does not touch the verdict; ``RAISED`` makes the result unreliable."""

    CLEAR = "clear"
    NOTED = "noted"
    RAISED = "raised"
    SKIPPED = "skipped"  # it does not apply; ``detail`` says why


@dataclass(frozen=True, slots=True)
class Check:
    """``name`` is the sign's; ``detail`` says what was seen."""

    name: str
    status: CheckStatus
    detail: str
