"""How sure a count of failures makes one of the rate behind it: the bound of Clopper and Pearson.

It is exact: with at least the stated confidence the true rate is no greater, whatever that rate is. Computed here, from the
incomplete beta function's continued fraction, since scipy would be a large dependency for one number.
"""

from __future__ import annotations

import math

_STEPS = 100_000  # The fraction needs some tens of steps; samples by the hundred million need more.
_TINY = 1e-300


def flip_rate_upper(failures: int, trials: int, confidence: float = 0.95) -> float:
    """The greatest rate at which ``failures`` or fewer of ``trials`` would still happen with probability ``1 - confidence``.

    One-sided: 0 of 1000 give 0.003 at 95 %. 1.0 where nothing was tried or everything failed; ``ValueError`` for counts that
    make no sense.
    """
    if not 0 <= failures <= trials or not 0 < confidence < 1:
        raise ValueError(f"{failures} failures of {trials} trials at confidence {confidence}")
    if failures == trials:
        return 1.0
    low, high = 0.0, 1.0
    # P(at most `failures` | rate) falls from 1 to 0 as the rate rises; halving stops at neighbouring doubles.
    while low < (middle := (low + high) / 2) < high:
        if binomial_tail(failures, trials, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def binomial_tail(failures: int, trials: int, rate: float) -> float:
    """P(at most ``failures`` of ``trials``) where each fails with probability ``rate``, strictly between 0 and 1."""
    return incomplete_beta(trials - failures, failures + 1, 1 - rate, rate)


def incomplete_beta(a: float, b: float, x: float, complement: float) -> float:
    """The regularised incomplete beta function I_x(a, b); ``complement`` is ``1 - x`` with all its digits."""
    if x <= 0 or complement <= 0:
        return 0.0 if x <= 0 else 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(complement))
    # The fraction converges quickly on one side of the mean; the other side follows from I_x(a, b) = 1 - I_{1-x}(b, a).
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, complement) / b


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method as Thompson and Barnett modified it."""
    c = 1.0
    d = _inverse(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = _inverse(1 + term * d)
            c = 1 + term / c
            c = c if abs(c) > _TINY else _TINY
            change = c * d
            value *= change
        if abs(change - 1) < 1e-15:
            return value
    raise ArithmeticError(f"the incomplete beta function of ({a}, {b}) at {x} does not converge")


def _inverse(value: float) -> float:
    return 1 / (value if abs(value) > _TINY else _TINY)
