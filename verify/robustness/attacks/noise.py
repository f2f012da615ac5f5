"""The control: noise of the same size, drawn without looking at the model. What it breaks was not robust to begin with."""

from __future__ import annotations

import numpy as np

from verify.robustness.attacks.scores import Array, ScoreTarget, confine, lengths, margins
from verify.robustness.threat import Norm, Threat


def noise(
    target: ScoreTarget,
    x: Array,
    labels: Array,
    threat: Threat,
    *,
    draws: int = 10,
    seed: int = 0,
    mask: Array | None = None,
) -> Array:
    """The worst of ``draws`` points of the ball's surface for each of ``x``: signs times epsilon, or random directions."""
    random = np.random.default_rng(seed)
    worst, least = x.copy(), np.full(len(x), np.inf)
    everyone = np.arange(len(x))
    for _ in range(draws):
        if threat.norm is Norm.LINF:
            drawn = random.choice([-1.0, 1.0], size=x.shape) * threat.epsilon
        else:
            drawn = random.standard_normal(x.shape)
            drawn = drawn * (threat.epsilon / lengths(drawn))
        tried = confine(x + drawn, x, threat, mask)
        found = margins(target(tried, everyone), labels)
        worse = found < least
        worst[worse], least[worse] = tried[worse], found[worse]
    return worst
