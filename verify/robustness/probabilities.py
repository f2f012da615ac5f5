"""Outputs that are probabilities already, and how attacks see through the softmax that made them."""

from __future__ import annotations

from typing import Final

import numpy as np

from verify.robustness.attacks.scores import Array

_SLACK: Final = 1e-5
_ROW_SLACK: Final = 1e-4  # Sums of a thousand classes in float32 lie this near to 1.
LEAST: Final = 1e-37
"""What takes the place of a probability of 0, whose logarithm would be none."""


def are_probabilities(scores: Array) -> bool:
    """Whether every row ``(N, C)`` lies in [0, 1] and sums to 1."""
    wide = scores.astype(np.float64)
    inside = wide.min() > -_SLACK and wide.max() < 1 + _SLACK
    return bool(inside and np.abs(wide.sum(axis=1) - 1).max() < _ROW_SLACK)


def log_scores(scores: Array) -> Array:
    """Logarithms of probabilities, which differ from the logits that they come from by a constant in each row."""
    found: Array = np.log(np.maximum(scores.astype(np.float64), LEAST))
    return found
