"""Sequences of which every step has a label: what decides is the step that is nearest to being misclassified.

A sequence is right when all of its steps are. Its weakest step therefore stands for it, as one row of scores, in which the step's
own class changes places with class 0: the sequence is right exactly where class 0 is the best. Attacks need know no more.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor

from verify.robustness.attacks.scores import Array

UNCOUNTED: Final = -1
"""The label of a step that does not count."""


def weakest_row(scores: Array, labels: Array, counted: Array) -> Array:
    """The row ``(N, C)`` that stands for each sequence, of ``scores`` ``(N, T, C)`` and ``labels`` ``(N, T)``.

    ``counted`` ``(N, T)`` says which steps count. Where none does nothing can go wrong: such a row is right.
    """
    rows, places = np.arange(len(scores)), np.where(counted, labels, 0)
    own = np.take_along_axis(scores, places[..., None], axis=2)[..., 0]
    others = scores.astype(np.float64)
    np.put_along_axis(others, places[..., None], -np.inf, axis=2)
    # Not a number is no answer, and no step is weaker than one without.
    margins = np.nan_to_num(own - others.max(axis=2), nan=-np.inf)
    step = np.where(counted, margins, np.inf).argmin(axis=1)
    row, label = scores[rows, step].copy(), places[rows, step]
    first = row[:, 0].copy()
    row[:, 0] = row[rows, label]
    row[rows, label] = np.where(label == 0, row[:, 0], first)
    row[~counted.any(axis=1)] = _right(scores.shape[2])
    return row


def weakest_row_of(scores: Tensor, labels: Tensor, counted: Tensor) -> Tensor:
    """The same with gradients."""
    places = torch.where(counted, labels, 0)
    own = scores.gather(2, places[..., None])[..., 0]
    others = scores.scatter(2, places[..., None], float("-inf")).amax(dim=2)
    margins = (own - others).detach().masked_fill(~counted, float("inf"))
    step = margins.argmin(dim=1, keepdim=True)
    row = scores.gather(1, step[..., None].expand(-1, -1, scores.shape[2]))[:, 0]
    label = places.gather(1, step)
    swapped = row.scatter(1, label, row[:, :1])
    decisive = torch.cat([row.gather(1, label), swapped[:, 1:]], dim=1)
    right = torch.from_numpy(_right(scores.shape[2])).to(decisive)
    return torch.where(counted.any(dim=1)[:, None], decisive, right)


def weakest_step(scores: Array, labels: Array, counted: Array) -> int:
    """The number of the step that decides one sequence: ``scores`` ``(T, C)``, ``labels`` and ``counted`` ``(T,)``."""
    least, found = np.inf, 0
    for step in np.flatnonzero(counted):
        others = np.delete(scores[step].astype(np.float64), labels[step])
        margin = float(np.nan_to_num(scores[step, labels[step]] - others.max(), nan=-np.inf))
        if margin < least:
            least, found = margin, int(step)
    return found


def _right(classes: int) -> Array:
    """A row that is right."""
    found: Array = np.zeros(classes, np.float32)
    found[0] = 1
    return found
