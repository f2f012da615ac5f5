"""Examples made on a model of the attacker's own, which needs neither gradients nor scores of the one that is attacked.

The attacker trains a small network on the answers that the model gives to the samples and to noisy copies of them, breaks that,
and replays what broke it. A model that merely hides its gradients has nothing against it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from verify.robustness.attacks.pgd import PgdSettings, pgd
from verify.robustness.attacks.scores import Array, ScoreTarget
from verify.robustness.attacks.surrogate import train_surrogate
from verify.robustness.losses import Loss
from verify.robustness.threat import Threat

_COPIES = 8
_PGD = PgdSettings(steps=40, loss=Loss.MARGIN)


def transfer(
    target: ScoreTarget,
    x: Array,
    labels: Array,
    threat: Threat,
    *,
    steps: int = 300,
    seed: int = 0,
    mask: Array | None = None,
) -> Array:
    """An example for each of ``x``, made on a surrogate that learned ``steps`` long from ``target``'s answers."""
    points, answers = _lesson(target, x, labels, threat, seed, mask)
    surrogate = train_surrogate(points, answers, steps, seed)
    origin = torch.from_numpy(x.astype(np.float32))
    own_mask = None if mask is None else torch.from_numpy(np.ascontiguousarray(np.broadcast_to(mask, x.shape), np.float32))
    aims = torch.from_numpy(labels.astype(np.int64))
    found = pgd(lambda moved, rows: surrogate(moved), origin, aims, threat, _PGD, seed=seed, mask=own_mask)  # noqa: ARG005
    examples: Array = found.numpy().astype(x.dtype)
    return examples


def _lesson(target: ScoreTarget, x: Array, labels: Array, threat: Threat, seed: int, mask: Array | None) -> tuple[Tensor, Tensor]:
    """The samples and noisy copies of them, and the classes that the target takes them for."""
    from verify.robustness.attacks.noise import noise

    points, answers = [x], [target(x, np.arange(len(x))).argmax(axis=1)]
    for copy in range(_COPIES):
        size = threat.of_size(threat.epsilon * (copy + 1) / _COPIES)
        moved = noise(target, x, labels, size, draws=1, seed=seed + copy + 1, mask=mask)
        points.append(moved)
        answers.append(target(moved, np.arange(len(x))).argmax(axis=1))
    return torch.from_numpy(np.concatenate(points).astype(np.float32)), torch.from_numpy(np.concatenate(answers))
