"""A looser tolerance that somebody answers for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """``case`` and ``output`` say where it holds, ``expires`` is the last day (YYYY-MM-DD) on which it does.

    ``applied`` says whether an output passed because of it.
    """

    case: str
    output: str
    rtol: float
    atol: float
    reason: str
    expires: str
    applied: bool = False
