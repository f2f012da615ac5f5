"""Whether the served model and the twin of its source are equally robust."""

from __future__ import annotations

from dataclasses import dataclass

from verify.report.document.codec import digits
from verify.robustness.statistics import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """``transferred``: of the examples that break the twin, those that break the served model.

    ``flips``: of all points that both were asked about, those on which they decide differently though the twin's margin is no
    near tie; ``ties`` are the others on which they do. ``twin_robust`` and ``served_robust`` are over the attacks on the twin.
    ``probability`` is that of so uneven a split of the samples that one side alone gets right (McNemar, exact).
    """

    twin_robust: Share
    served_robust: Share
    transferred: Share
    flips: Share
    ties: int
    greatest_difference: float = digits(6)
    probability: float = digits(6)
    holds: bool
    detail: str = ""
