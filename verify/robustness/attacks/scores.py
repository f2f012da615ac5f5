"""What can be attacked by asking alone: the scores of classes, as a served model gives them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from verify.robustness.threat import Norm, Threat

Array = npt.NDArray[Any]


class ScoreTarget(Protocol):
    """Something that classifies and can be asked."""

    def __call__(self, x: Array, rows: Array) -> Array:
        """Scores ``(len(x), C)``, where ``x[i]`` stands in the place of sample ``rows[i]`` of those that are attacked."""
        ...


def margins(scores: Array, labels: Array) -> Array:
    """The label's score less that of the best other class, ``(N,)``: at most 0 where the sample is misclassified.

    A score that is not a number counts as misclassified, as it is of no use to whoever asked.
    """
    rows = np.arange(len(labels))
    others = scores.astype(np.float64)
    own = others[rows, labels].copy()
    others[rows, labels] = -np.inf
    found: Array = np.nan_to_num(own - others.max(axis=1), nan=-np.inf)
    return found


def confine(moved: Array, x: Array, threat: Threat, mask: Array | None = None) -> Array:
    """The point of the ball around ``x``, and of the box, that ``moved`` is brought to; as ``projection.project``, in numpy."""
    delta = moved - x if mask is None else (moved - x) * mask
    if threat.norm is Norm.LINF:
        delta = np.clip(delta, -threat.epsilon, threat.epsilon)
    else:
        delta = delta * np.minimum(threat.epsilon / lengths(delta), 1.0)
    confined: Array = np.minimum(np.maximum(x + delta, np.minimum(x, threat.low)), np.maximum(x, threat.high)).astype(x.dtype)
    return confined


def lengths(perturbations: Array) -> Array:
    """The Euclidean length of each sample's perturbation, of shape ``(N, 1, ...)``, never 0."""
    flat = np.linalg.norm(perturbations.reshape(len(perturbations), -1).astype(np.float64), axis=1)
    reshaped: Array = np.maximum(flat, 1e-12).reshape(-1, *[1] * (perturbations.ndim - 1))
    return reshaped
