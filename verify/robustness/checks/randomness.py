"""A model that answers differently when it is asked again: an attack on one answer says little about the next."""

from __future__ import annotations

from typing import Final

import numpy as np

from verify.robustness.attacks.scores import Array
from verify.robustness.document import Check, CheckStatus
from verify.robustness.targets import ServedTarget, TwinTarget

NAME = "randomness"
_RUNS: Final = 5
_LEAST: Final = 1e-4


def randomness(served: ServedTarget, twin: TwinTarget, x: Array) -> Check:
    """Raised where five runs of either side differ in a decision, or in scores of unit length by more than 1e-4."""
    rows = np.arange(len(x))
    for name, ask in (("the served model", served), ("the twin", twin.scores)):
        first = ask(x, rows)
        for _ in range(_RUNS - 1):
            again = ask(x, rows)
            flips = int((again.argmax(axis=1) != first.argmax(axis=1)).sum())
            apart = float(np.nan_to_num(np.abs(_unit(again) - _unit(first)), nan=0.0).max())
            if flips or apart > _LEAST:
                told = f"{name} answers differently when it is asked again: {flips} decisions, scores apart by {apart:.1e}"
                return Check(NAME, CheckStatus.RAISED, told)
    return Check(NAME, CheckStatus.CLEAR, f"{_RUNS} runs of both sides gave the same")


def _unit(scores: Array) -> Array:
    found: Array = scores / np.maximum(np.linalg.norm(scores, axis=1, keepdims=True), 1e-12)
    return found
