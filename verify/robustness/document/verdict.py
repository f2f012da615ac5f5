"""How a test ended."""

from __future__ import annotations

import enum
from collections.abc import Iterable


class Verdict(enum.StrEnum):
    """Only ``PASS`` is good: an unreliable result says nothing in the model's favour."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    UNRELIABLE = "unreliable"
    ERROR = "error"


_FROM_WORST = (Verdict.ERROR, Verdict.FAIL, Verdict.UNRELIABLE)


def worst_of(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of them: an error, then what fails, then what is unreliable. Without any there is no result."""
    found = set(verdicts)
    if not found:
        return Verdict.ERROR
    return next((verdict for verdict in _FROM_WORST if verdict in found), Verdict.PASS)
