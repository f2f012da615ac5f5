"""Square (Andriushchenko and others 2020): random search over windows, by scores alone.

A window is a square of an image ``(N, C, H, W)``, with one sign for each channel; a stretch of steps of a sequence
``(N, T, F)``, with one sign for each feature; a stretch of a vector's elements ``(N, D)``. In the Euclidean ball the published
attack moves energy between two windows; here a window of it is drawn anew and the whole is brought back to the ball's surface.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from verify.robustness.attacks.scores import Array, ScoreTarget, confine, lengths, margins
from verify.robustness.threat import Norm, Threat

_FULL_SCHEDULE = 10_000
_HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
_UNSCALED_FROM = 5_000


@dataclass(frozen=True, slots=True)
class SquareSettings:
    """``queries`` bounds how often the model is asked for each sample; ``first`` is the share of the input in the first windows.

    ``rescale`` makes windows shrink over the queries that there are instead of over 10,000; without a choice it is on below
    5,000, where the published schedule would hardly begin.
    """

    queries: int = 500
    first: float = 0.8
    rescale: bool | None = None

    def share(self, query: int) -> float:
        """The share of the input that the window of this query covers."""
        rescaled = self.queries < _UNSCALED_FROM if self.rescale is None else self.rescale
        place = query * _FULL_SCHEDULE // self.queries if rescaled else query
        return self.first / 2.0 ** sum(place > step for step in _HALVINGS)


@dataclass(frozen=True, slots=True)
class SquareResult:
    """``adversarial`` is like the input; ``queries`` are those that each sample took, ``(N,)``."""

    adversarial: Array
    queries: Array


STANDARD_SQUARE = SquareSettings()


def square(
    target: ScoreTarget,
    x: Array,
    labels: Array,
    threat: Threat,
    settings: SquareSettings = STANDARD_SQUARE,
    *,
    seed: int = 0,
    mask: Array | None = None,
) -> SquareResult:
    """The worst point of the ball that was found for each of ``x``, of shape ``(N, ...)``; the same seed gives the same.

    Samples that are broken are asked about no more.
    """
    random = np.random.default_rng(seed)
    best = confine(x + _stripes(x, threat, random), x, threat, mask)
    everyone = np.arange(len(x))
    best_margins = margins(target(best, everyone), labels)
    queries = np.ones(len(x), dtype=np.int64)
    for query in range(1, settings.queries):
        standing = everyone[best_margins > 0]
        if not len(standing):
            break
        origin = x[standing]
        own_mask = None if mask is None else np.broadcast_to(mask, x.shape)[standing]
        tried = _propose(best[standing] - origin, threat, settings.share(query), random)
        tried = confine(origin + tried, origin, threat, own_mask)
        found = margins(target(tried, standing), labels[standing])
        queries[standing] += 1
        better = found < best_margins[standing]
        best[standing[better]], best_margins[standing[better]] = tried[better], found[better]
    return SquareResult(best, queries)


def _stripes(x: Array, threat: Threat, random: np.random.Generator) -> Array:
    """The start: upright stripes of an image, signs of steps or of elements; everything as far out as the ball reaches."""
    shape = (*x.shape[:2], 1, x.shape[3]) if x.ndim == 4 else x.shape
    signs: Array = np.broadcast_to(random.choice([-1.0, 1.0], size=shape), x.shape)
    return signs * (threat.epsilon if threat.norm is Norm.LINF else threat.epsilon / lengths(signs))


def _propose(delta: Array, threat: Threat, share: float, random: np.random.Generator) -> Array:
    """Perturbations with one window each drawn anew."""
    windows, signs = _windows(delta.shape, share, random)
    if threat.norm is Norm.LINF:
        return np.where(windows, signs * threat.epsilon, delta)
    typical = threat.epsilon / math.sqrt(max(math.prod(delta.shape[1:]) * share, 1.0))
    drawn = np.where(windows, signs * typical, delta)
    return drawn * (threat.epsilon / lengths(drawn))


def _windows(shape: tuple[int, ...], share: float, random: np.random.Generator) -> tuple[Array, Array]:
    """Which elements lie in each sample's window, and their signs, both broadcast against ``shape``."""
    count = shape[0]
    if len(shape) == 4:
        side = min(max(round(math.sqrt(share * shape[2] * shape[3])), 1), *shape[2:])
        down, across = (_stretch(count, extent, side, random) for extent in shape[2:])
        return down[:, None, :, None] & across[:, None, None, :], random.choice([-1.0, 1.0], size=(count, shape[1], 1, 1))
    extents = shape[1:2] or (1,)
    size = min(max(round(share * extents[0]), 1), extents[0])
    along = _stretch(count, extents[0], size, random)
    signs = random.choice([-1.0, 1.0], size=(count, 1, *shape[2:]))
    return along.reshape(*along.shape, *[1] * (len(shape) - 2)), signs


def _stretch(count: int, extent: int, size: int, random: np.random.Generator) -> Array:
    """``size`` neighbours of ``extent`` places for each of ``count`` samples: booleans ``(count, extent)``."""
    first = random.integers(0, extent - size + 1, size=(count, 1))
    places = np.arange(extent)[None, :]
    chosen: Array = (places >= first) & (places < first + size)
    return chosen
