"""A softmax so sure of itself that nothing is left of the other classes."""

from __future__ import annotations

from typing import Final

import numpy as np

from verify.robustness.attacks.scores import Array
from verify.robustness.document import Check, CheckStatus
from verify.robustness.statistics import at_least

NAME = "softmax saturation"
_NOTHING: Final = 1e-30  # Near the least number that float32 holds: its logarithm has lost the margin.
_LEAST: Final = 0.002


def saturation(raw: Array, *, probabilities: bool) -> Check:
    """Raised where the second best probability of samples is lost to rounding; probabilities as such are noted.

    ``raw`` are the served model's outputs ``(N, C)``. Attacks take the logarithm of probabilities, which gives the margins back
    exactly as long as they have not been rounded away.
    """
    if not probabilities:
        return Check(NAME, CheckStatus.CLEAR, "the output is logits")
    second = np.sort(raw, axis=1)[:, -2]
    lost = int((second <= _NOTHING).sum())
    if at_least(lost, len(raw)) > _LEAST:
        return Check(NAME, CheckStatus.RAISED, f"{lost} of {len(raw)} samples leave nothing to the second best class")
    return Check(NAME, CheckStatus.NOTED, "the output is probabilities; attacks take their logarithms, which lose nothing here")
