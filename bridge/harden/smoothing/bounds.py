"""The least probability that a count of votes proves, and the radius that follows from it."""

from __future__ import annotations

from statistics import NormalDist

from verify.equivalence.confidence import flip_rate_upper

_NORMAL = NormalDist()


def lower_bound(votes: int, samples: int, alpha: float) -> float:
    """The one-sided lower bound of Clopper and Pearson: with confidence ``1 - alpha`` the true probability is no less.

    It is the probability at which ``votes`` or more of ``samples`` would happen with probability ``alpha``. Raises ``ValueError``
    for counts that make no sense.
    """
    if not 0 <= votes <= samples or samples < 1 or not 0 < alpha < 1:
        raise ValueError(f"{votes} votes of {samples} at alpha {alpha}")
    # The lower bound of what happened is the upper bound of what did not, seen from the other side.
    return 1.0 - flip_rate_upper(samples - votes, samples, 1 - alpha)


def certified_radius(probability: float, sigma: float) -> float:
    """The Euclidean distance within which the vote cannot change, where a class has at least ``probability``: 0 for one half."""
    return sigma * _NORMAL.inv_cdf(probability) if 0.5 < probability < 1 else 0.0


def ceiling(samples: int, sigma: float, alpha: float) -> float:
    """The greatest radius that ``samples`` votes can prove, when every one of them is for one class."""
    return certified_radius(lower_bound(samples, samples, alpha), sigma)
