"""Accuracy at one size of perturbation."""

from __future__ import annotations

from dataclasses import dataclass

from verify.robustness.statistics import Share


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """``raw`` is what the attack left at this size; ``robust`` counts a sample out that a smaller size had broken already."""

    epsilon: float
    robust: Share
    raw: Share
