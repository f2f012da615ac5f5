"""Certificates: for one sample the class of the smoothed classifier, and how far around it that class is proven."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from bridge.errors import InvalidOptionError
from bridge.harden.smoothing.bounds import ceiling, certified_radius, lower_bound

ABSTAIN: Final = -1
"""The class of a sample for which the votes prove nothing."""

Array: TypeAlias = npt.NDArray[Any]
Predict: TypeAlias = Callable[[Array], Array]
"""A batch ``[N, ...]`` -> scores ``[N, C]``: forward passes alone, so that the served model itself can be asked."""


@dataclass(frozen=True, slots=True)
class Smoothing:
    """``sigma`` is the noise's standard deviation in the input's own units.

    ``selection`` votes choose the class, ``estimation`` votes, drawn anew, bound its probability; ``alpha`` is the chance that a
    certificate is wrong, for each sample by itself. ``batch`` noisy copies are asked at once.
    """

    sigma: float
    selection: int = 100
    estimation: int = 1000
    alpha: float = 0.001
    batch: int = 500

    def __post_init__(self) -> None:
        sound = np.isfinite(self.sigma) and self.sigma > 0 and min(self.selection, self.estimation, self.batch) >= 1
        if not sound or not 0 < self.alpha < 0.5:
            raise InvalidOptionError(
                f"smoothing with sigma {self.sigma}, {self.selection} and {self.estimation} votes in batches of {self.batch} at "
                f"alpha {self.alpha}; expected sigma above 0, at least one of each, and alpha between 0 and 0.5"
            )

    @property
    def ceiling(self) -> float:
        """The greatest radius that these votes can prove."""
        return ceiling(self.estimation, self.sigma, self.alpha)


@dataclass(frozen=True, slots=True)
class Certificate:
    """``label`` holds within the Euclidean distance ``radius``, with confidence ``1 - alpha``; or ``ABSTAIN`` and radius 0.

    ``votes`` of ``samples`` were for the class that was chosen; ``probability`` is the bound that they prove.
    """

    label: int
    radius: float
    votes: int
    samples: int
    probability: float


def certify(
    predict: Predict, sample: Array, smoothing: Smoothing, generator: np.random.Generator, mask: Array | None = None
) -> Certificate:
    """The certificate for one ``sample`` ``[...]``, without its batch axis.

    Noise is added and nothing is clipped to the input's range afterwards: the proof speaks of the noise as it was drawn. Where
    ``mask`` is 0 there is none, and the certificate speaks of perturbations elsewhere.
    """
    chosen = int(count_votes(predict, sample, smoothing, smoothing.selection, generator, mask).argmax())
    counts = count_votes(predict, sample, smoothing, smoothing.estimation, generator, mask)
    votes = int(counts[chosen]) if chosen < len(counts) else 0
    probability = lower_bound(votes, smoothing.estimation, smoothing.alpha)
    if probability <= 0.5:
        return Certificate(ABSTAIN, 0.0, votes, smoothing.estimation, probability)
    return Certificate(chosen, certified_radius(probability, smoothing.sigma), votes, smoothing.estimation, probability)


def certify_all(predict: Predict, samples: Array, smoothing: Smoothing, *, seed: int) -> Iterator[Certificate]:
    """A certificate for each of ``samples`` ``[N, ...]``, each with noise of its own, whatever was certified before."""
    for index, sample in enumerate(samples):
        yield certify(predict, sample, smoothing, np.random.default_rng([seed, index]))


def vote(predict: Predict, sample: Array, smoothing: Smoothing, generator: np.random.Generator) -> int:
    """The smoothed classifier's answer for one sample from ``estimation`` votes, or ``ABSTAIN``.

    It abstains unless the two classes with most votes differ by more than chance at ``alpha`` (Cohen's PREDICT).
    """
    counts = count_votes(predict, sample, smoothing, smoothing.estimation, generator)
    first = int(counts.argmax())
    best = int(counts[first])
    runner_up = int(np.delete(counts, first).max(initial=0))
    # Two-sided: which of the two came first was not known beforehand.
    decided = lower_bound(best, best + runner_up, smoothing.alpha / 2) > 0.5
    return first if decided else ABSTAIN


def count_votes(
    predict: Predict,
    sample: Array,
    smoothing: Smoothing,
    samples: int,
    generator: np.random.Generator,
    mask: Array | None = None,
) -> Array:
    """How many of ``samples`` noisy copies are taken for each class: ``[C]``."""
    counts = np.zeros(0, np.int64)
    left = samples
    while left:
        now = min(left, smoothing.batch)
        noise = generator.standard_normal((now, *sample.shape), np.float32) * np.float32(smoothing.sigma)
        scores = predict((sample[None] + (noise if mask is None else noise * mask)).astype(sample.dtype))
        # Scores that are not a number win no vote that they should not: argmax would choose them.
        classes = np.where(np.isnan(scores), -np.inf, scores).argmax(axis=1)
        counts = counts if len(counts) else np.zeros(scores.shape[1], np.int64)
        counts += np.bincount(classes, minlength=scores.shape[1])
        left -= now
    return counts
