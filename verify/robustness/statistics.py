"""Shares with what the number of samples allows to say of them."""

from __future__ import annotations

from dataclasses import dataclass

from verify.equivalence.confidence import binomial_tail, flip_rate_upper

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of ``total``, with Clopper and Pearson's interval: ``lower`` and ``upper`` hold together at 95 %."""

    count: int
    total: int
    rate: float
    lower: float
    upper: float

    @classmethod
    def of(cls, count: int, total: int) -> Share:
        """The share of ``count`` in ``total``; anything is possible where the total is 0."""
        one_side = (1 + CONFIDENCE) / 2
        if not total:
            return cls(0, 0, 0.0, 0.0, 1.0)
        return cls(count, total, count / total, at_least(count, total, one_side), at_most(count, total, one_side))


def at_most(count: int, total: int, confidence: float = CONFIDENCE) -> float:
    """The rate that the true one does not exceed, one-sided."""
    return flip_rate_upper(count, total, confidence) if total else 1.0


def at_least(count: int, total: int, confidence: float = CONFIDENCE) -> float:
    """The rate that the true one does not fall below, one-sided."""
    return 1.0 - flip_rate_upper(total - count, total, confidence) if total else 0.0


def mcnemar(first_alone: int, second_alone: int) -> float:
    """How probable so uneven a split, or a more uneven one, is where neither side is better: exact, two-sided.

    ``first_alone`` and ``second_alone`` count the samples on which one side alone was right.
    """
    total, fewer = first_alone + second_alone, min(first_alone, second_alone)
    if total == 0 or 2 * fewer == total:
        return 1.0
    return min(1.0, 2 * binomial_tail(fewer, total, 0.5))
