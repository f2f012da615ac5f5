"""Samples as pictures: images as they are, sequences and vectors as maps of their values."""

from __future__ import annotations

from typing import Final

import numpy as np

from verify.robustness.attacks.scores import Array
from verify.robustness.attempt import Outcome
from verify.robustness.document import Example, Kind
from verify.robustness.png import png_text
from verify.robustness.samples import Samples
from verify.robustness.smallest import sizes
from verify.robustness.steps import weakest_step
from verify.robustness.threat import Threat

_MOST: Final = 6
_LONGEST: Final = 512


def examples(outcomes: list[Outcome], samples: Samples, right: Array, threat: Threat) -> tuple[Example, ...]:
    """Up to six samples that were right and fell, each with the example that lies nearest to it; none for what has no picture."""
    if not _drawable(samples.x[0]):
        return ()
    chosen: list[Example] = []
    for row in np.flatnonzero(right):
        fallen = [each for each in outcomes if each.attempt.kind is not Kind.CONTROL and not each.served_right[row]]
        if not fallen:
            continue
        origin = samples.x[row : row + 1]
        nearest = min(fallen, key=lambda each: float(sizes(each.adversarial[row : row + 1], origin, threat.norm)[0]))
        chosen.append(_example(int(row), nearest, samples, threat))
        if len(chosen) == _MOST:
            break
    return tuple(chosen)


def _example(row: int, outcome: Outcome, samples: Samples, threat: Threat) -> Example:
    clean, moved = samples.x[row].astype(np.float64), outcome.adversarial[row].astype(np.float64)
    delta = moved - clean
    greatest = float(np.abs(delta).max()) or 1.0
    width = threat.high - threat.low
    labels, scores, step = samples.labels[row], outcome.served_outputs[row], None
    if samples.per_step:
        counted = samples.counted(outcome.adversarial[row : row + 1], np.array([row]))[0]
        step = weakest_step(scores, labels, counted)
        labels, scores = labels[step], scores[step]
    return Example(
        sample=row,
        attack=outcome.attempt.name,
        label=int(labels),
        adversarial_class=int(scores.argmax()),
        step=step,
        distance=float(sizes(moved[None], clean[None], threat.norm)[0]),
        clean=png_text(_pixels((clean - threat.low) / width)),
        perturbation=png_text(_pixels(delta / (2 * greatest) + 0.5)),
        adversarial=png_text(_pixels((moved - threat.low) / width)),
    )


def _drawable(sample: Array) -> bool:
    """Images of one or three channels, matrices and vectors, where they are not too large to look at."""
    if sample.ndim == 3 and sample.shape[0] not in {1, 3}:
        return False
    return sample.ndim in {1, 2, 3} and max(sample.shape) <= _LONGEST


def _pixels(values: Array) -> Array:
    """``(H, W)`` or ``(H, W, 3)`` in uint8 from values of 0 to 1; a vector is one row."""
    found: Array = np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)
    if found.ndim == 3:
        return found[0] if found.shape[0] == 1 else np.ascontiguousarray(found.transpose(1, 2, 0))
    return found if found.ndim == 2 else found[None, :]
