"""What one attack did to the samples."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from verify.report.document.codec import digits
from verify.robustness.statistics import Share


class Kind(enum.StrEnum):
    """What the attacker knows."""

    CONTROL = "control"  # nothing: noise, which is no attack
    WHITE_BOX = "white-box"  # the gradients of the twin
    BLACK_BOX = "black-box"  # the scores of the served model


@dataclass(frozen=True, slots=True)
class Distances:
    """The smallest perturbations that broke a sample, over those that were broken: percentiles 10, 50 and 90."""

    p10: float = digits(6)
    median: float = digits(6)
    p90: float = digits(6)


@dataclass(frozen=True, slots=True)
class Queries:
    """How often the model was asked for a sample: the median and the percentile 95."""

    median: float
    p95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """``robust`` are the samples that the served model still classifies rightly, of all; ``twin_robust`` the same of the twin.

    ``success`` are the samples that were broken, of those that were right to begin with. ``reach`` is the greatest distance that
    any sample was moved. ``settings`` are all that the attack was run with.
    """

    name: str
    kind: Kind
    norm: str
    epsilon: float
    seed: int
    library: str
    robust: Share
    success: Share
    twin_robust: Share | None = None
    reach: float = digits(9, default=0.0)
    distances: Distances | None = None
    queries: Queries | None = None
    seconds: float = digits(3, default=0.0)
    settings: Mapping[str, str] = field(default_factory=dict)
