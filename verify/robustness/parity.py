"""Conversion parity: the served model is neither less nor more robust than its source's twin, sample by sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from verify.robustness.attacks.scores import Array
from verify.robustness.attempt import Outcome
from verify.robustness.document import Kind, Parity
from verify.robustness.statistics import Share, at_least, at_most, mcnemar
from verify.robustness.steps import UNCOUNTED

FLIPS_AT_MOST: Final = 0.01
TRANSFER_AT_LEAST: Final = 0.99
_UNEVEN: Final = 0.01
_RELATIVE, _ABSOLUTE = 1e-4, 1e-5
"""How far two runtimes may lie apart by rounding; a margin below twice that is a tie, which either may decide."""


def parity(outcomes: Sequence[Outcome], clean: tuple[Array, Array], right: tuple[Array, Array], labels: Array) -> Parity:
    """Both sides on the samples as they are and on every example that was made from them.

    ``clean`` are the outputs ``(N, [T,] C)`` of twin and served model on the samples, ``right`` says which of these each side
    gets right, ``(N,)``; ``labels`` are those of samples or of their steps. A sample counts as flipped when any of its points,
    at any labelled step, is decided differently and is no tie, so that the samples stay independent and the bounds hold. It
    fails where the evidence is against it: more flips, less transfer, or a more uneven split than rounding and chance explain.
    """
    counted = labels != UNCOUNTED if labels.ndim == 2 else None
    pairs = [clean, *((outcome.twin_outputs, outcome.served_outputs) for outcome in outcomes)]
    differing = np.stack([_differs(twin, served, counted) for twin, served in pairs])
    ties = np.stack([_tied(twin) for twin, _ in pairs])
    flipped = (differing & ~ties).any(axis=0)
    if counted is not None:
        flipped = flipped.any(axis=1)
    white = [outcome for outcome in outcomes if outcome.attempt.kind is Kind.WHITE_BOX]
    twin_right, served_right = (_standing(right[side], white, side) for side in (0, 1))
    broken, moved_over = _transfer(white, right[0])
    count = len(labels)
    flips, transferred = Share.of(int(flipped.sum()), count), Share.of(int(moved_over.sum()), int(broken.sum()))
    probability = mcnemar(int((twin_right & ~served_right & flipped).sum()), int((served_right & ~twin_right & flipped).sum()))
    faults = _faults(flips, transferred)
    if probability < _UNEVEN:
        faults.append(f"one side alone withstands: p {probability:.2g}")
    return Parity(
        twin_robust=Share.of(int(twin_right.sum()), count),
        served_robust=Share.of(int(served_right.sum()), count),
        transferred=transferred,
        flips=flips,
        ties=int((differing & ties).sum()),
        greatest_difference=max(_apart(twin, served, counted) for twin, served in pairs),
        probability=probability,
        holds=not faults,
        detail="; ".join(faults),
    )


def _faults(flips: Share, transferred: Share) -> list[str]:
    faults = []
    if (least := at_least(flips.count, flips.total)) > FLIPS_AT_MOST:
        faults.append(f"the sides decide {flips.count} of {flips.total} samples differently: a rate of {least:.3g} or more")
    if transferred.total and (most := at_most(transferred.count, transferred.total)) < TRANSFER_AT_LEAST:
        faults.append(f"{transferred.count} of {transferred.total} examples transfer: a rate of {most:.3g} or less")
    return faults


def _differs(twin: Array, served: Array, counted: Array | None) -> Array:
    """Where the two decide differently, at samples or at their labelled steps."""
    found: Array = twin.argmax(axis=-1) != served.argmax(axis=-1)
    found |= np.isnan(served).any(axis=-1)
    return found if counted is None else found & counted


def _apart(twin: Array, served: Array, counted: Array | None) -> float:
    difference = np.abs(twin - served)
    return float((difference if counted is None else difference[counted]).max())


def _tied(scores: Array) -> Array:
    """Where the best two lie nearer to each other than two runtimes may."""
    ordered = np.sort(scores.astype(np.float64), axis=-1)
    allowed = _RELATIVE * np.abs(scores).max(axis=-1) + _ABSOLUTE
    found: Array = ordered[..., -1] - ordered[..., -2] <= 2 * allowed
    return found


def _standing(clean: Array, white: Sequence[Outcome], side: int) -> Array:
    right = clean.copy()
    for outcome in white:
        right &= outcome.served_right if side else outcome.twin_right
    return right


def _transfer(white: Sequence[Outcome], begun: Array) -> tuple[Array, Array]:
    """Which samples have an example that breaks the twin and is no tie, and which of these break the served model each time."""
    broken, failed = np.zeros(len(begun), bool), np.zeros(len(begun), bool)
    for outcome in white:
        counts = begun & ~outcome.twin_right & ~_tied(outcome.twin_decisive)
        broken |= counts
        failed |= counts & outcome.served_right
    return broken, broken & ~failed
