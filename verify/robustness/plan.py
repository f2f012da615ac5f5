"""How much is done: three tiers, from minutes in CI to hours before a release."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from verify.robustness.attacks.apgd import ApgdSettings
from verify.robustness.threat import Norm, Threat

_FACTORS = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0)


class Tier(enum.StrEnum):
    """``SMOKE`` takes minutes, ``STANDARD`` adds Auto-PGD, ``GOLD`` adds AutoAttack itself, which is an extra."""

    SMOKE = "smoke"
    STANDARD = "standard"
    GOLD = "gold"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a tier runs.

    ``sweep_steps`` are those of the attack at each size of the sweep, ``surrogate_steps`` those that the surrogate of the
    transfer attack is trained for.
    """

    tier: Tier
    noise_draws: int = 10
    pgd_steps: int = 20
    pgd_restarts: int = 1
    square_queries: int = 500
    sweep_steps: int = 10
    surrogate_steps: int = 300
    apgd: ApgdSettings | None = None
    autoattack: bool = False


PLANS = {
    Tier.SMOKE: Plan(Tier.SMOKE),
    Tier.STANDARD: Plan(Tier.STANDARD, pgd_steps=40, pgd_restarts=2, square_queries=1000, apgd=ApgdSettings()),
    Tier.GOLD: Plan(Tier.GOLD, pgd_steps=40, pgd_restarts=2, square_queries=1000, apgd=ApgdSettings(), autoattack=True),
}


def sweep_sizes(threat: Threat, elements: int) -> tuple[float, ...]:
    """The sizes of the sweep: around epsilon, and one at which nothing can be left of any sample.

    That last one lets every element reach the middle of the range. In the Euclidean norm it is so for all ``elements`` together.
    """
    if threat.norm is Norm.TOKENS:
        return tuple(sorted({max(1.0, float(round(threat.epsilon * factor))) for factor in _FACTORS}))
    everything = (threat.high - threat.low) / 2
    if threat.norm is Norm.L2:
        everything *= elements**0.5
    return (*sorted({threat.epsilon * factor for factor in _FACTORS if threat.epsilon * factor < everything}), everything)
