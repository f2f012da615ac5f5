"""Replaces tokens of one-hot sequences: ``(N, T, V)`` with one element of the last axis at each step.

By gradients it is HotFlip (Ebrahimi and others 2018): the replacement whose first-order effect on the loss is the greatest, one
after another. By scores alone it is random search: a token is tried, and kept where the margin falls. ``threat.epsilon`` is the
number of tokens that may differ.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from verify.robustness.attacks.gradient import GradientTarget, classes_of, every_row, loss_gradient
from verify.robustness.attacks.scores import Array, ScoreTarget, margins
from verify.robustness.attacks.square import SquareResult
from verify.robustness.losses import margin
from verify.robustness.threat import Threat


def is_one_hot(x: Array, mask: Array | None = None) -> bool:
    """Whether every step of ``x``, but those that ``mask`` takes out, is one-hot, and there is more than one token."""
    if x.ndim != 3 or x.shape[2] < 2:
        return False
    kept: Array = np.ones(x.shape[:2], bool) if mask is None else np.any(np.broadcast_to(mask, x.shape), axis=2)
    steps = x[kept]
    return bool(len(steps)) and bool(np.isin(steps, (0, 1)).all() and (steps.sum(axis=1) == 1).all())


def flip_by_gradient(
    target: GradientTarget,
    x: Tensor,
    labels: Tensor,
    threat: Threat,
    *,
    candidates: int = 48,
    mask: Tensor | None = None,
) -> Tensor:
    """``x`` with at most ``threat.epsilon`` tokens replaced in each sample, as many as it takes to break it.

    The gradient chooses ``candidates`` replacements for each sample, shared out among the steps, and at least two for each; the
    model itself chooses the best of them. When all that is allowed is replaced, what was replaced is chosen anew as often again.
    """
    found = x.detach().clone()
    allowed = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
    if mask is not None:
        allowed &= mask.expand_as(x).amax(dim=2) > 0
    most = int(threat.epsilon)
    for turn in range(2 * most):
        changed = (found != x).any(dim=2)
        free = (allowed & ~changed) if turn < most else changed
        rows = every_row(x)
        rows = rows[(classes_of(target, found, rows) == labels) & free.any(dim=1)]
        if not len(rows):
            break
        found[rows] = _best_replacement(target, found[rows], rows, labels[rows], free[rows], candidates)
    return found


def _best_replacement(target: GradientTarget, x: Tensor, rows: Tensor, labels: Tensor, free: Tensor, candidates: int) -> Tensor:
    """``x`` with one token replaced in each sample, or none where every replacement would be for the worse."""
    gradient = loss_gradient(target, x, rows, labels, margin).gradient
    gain = gradient - (gradient * x).sum(dim=2, keepdim=True)
    gain = gain.masked_fill(x > 0, float("-inf")).masked_fill(~free[:, :, None], float("-inf"))
    # Shared out, since the greatest gains may all lie at one step: the one whose label is under attack, which counts no more.
    each = min(max(2, candidates // x.shape[1]), x.shape[2])
    values, chosen = (found.flatten(1) for found in gain.topk(each, dim=2))
    count = values.shape[1]
    tried = x.repeat_interleave(count, dim=0)
    # Where a step is not free there is none: such a place repeats the sample as it is.
    possible = values > float("-inf")
    places = torch.arange(len(tried), device=x.device)[possible.flatten()]
    steps, tokens = places % count // each, chosen.flatten()[places]
    tried[places, steps] = 0
    tried[places, steps, tokens] = 1
    with torch.no_grad():
        losses = margin(target(tried, rows.repeat_interleave(count)), labels.repeat_interleave(count))
        before = margin(target(x, rows), labels)
    losses = losses.view(-1, count).masked_fill(~possible, float("-inf"))
    best, place = losses.max(dim=1)
    picked = tried.view(-1, count, *x.shape[1:])[torch.arange(len(x), device=x.device), place]
    better: Tensor = torch.where((best > before)[:, None, None], picked, x)
    return better


def flip_by_scores(
    target: ScoreTarget,
    x: Array,
    labels: Array,
    threat: Threat,
    *,
    queries: int = 500,
    seed: int = 0,
    mask: Array | None = None,
) -> SquareResult:
    """The same by asking alone: each query replaces one token, or moves a replacement elsewhere where no more are allowed."""
    random = np.random.default_rng(seed)
    free: Array = np.ones(x.shape[:2], bool) if mask is None else np.any(np.broadcast_to(mask, x.shape), axis=2)
    best, everyone = x.copy(), np.arange(len(x))
    least = margins(target(best, everyone), labels)
    asked = np.ones(len(x), dtype=np.int64)
    able = free.any(axis=1) & (int(threat.epsilon) > 0)
    for _ in range(1, queries):
        standing = everyone[(least > 0) & able]
        if not len(standing):
            break
        tried = best[standing].copy()
        for place, row in enumerate(standing):
            _replace_one(tried[place], x[row], free[row], int(threat.epsilon), random)
        found = margins(target(tried, standing), labels[standing])
        asked[standing] += 1
        # Equally good is taken too, so that the search wanders where no single token matters.
        better = found <= least[standing]
        best[standing[better]], least[standing[better]] = tried[better], found[better]
    return SquareResult(best, asked)


def _replace_one(tried: Array, origin: Array, free: Array, most: int, random: np.random.Generator) -> None:
    """Another token at a random step of ``tried``, ``(T, V)``, in place."""
    step = random.choice(np.flatnonzero(free))
    changed = np.flatnonzero((tried != origin).any(axis=1))
    if len(changed) >= most and step not in changed:
        undone = random.choice(changed)
        tried[undone] = origin[undone]
    tried[step] = 0
    tried[step, random.integers(tried.shape[1])] = 1
