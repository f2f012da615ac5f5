"""Projected gradient descent (Madry and others 2017), from random starts, in either norm."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from verify.robustness.attacks.gradient import GradientTarget, classes_of, every_row, loss_gradient
from verify.robustness.losses import Loss
from verify.robustness.projection import direction, project, random_start
from verify.robustness.threat import Threat


@dataclass(frozen=True, slots=True)
class PgdSettings:
    """``step`` is a share of epsilon; without it the steps together go two and a half times as far as the ball reaches.

    Without ``random`` every restart would begin at the sample itself, so that there is one alone.
    """

    steps: int = 20
    restarts: int = 1
    step: float | None = None
    loss: Loss = Loss.CROSS_ENTROPY
    random: bool = True

    @property
    def share(self) -> float:
        """The length of a step as a share of epsilon."""
        return 2.5 / self.steps if self.step is None else self.step


STANDARD_PGD = PgdSettings()


def pgd(
    target: GradientTarget,
    x: Tensor,
    labels: Tensor,
    threat: Threat,
    settings: PgdSettings = STANDARD_PGD,
    *,
    seed: int = 0,
    mask: Tensor | None = None,
) -> Tensor:
    """An adversarial example for each of ``x``, of shape ``(N, ...)``: the first that was misclassified, or the last point.

    ``labels`` are ``(N,)`` in int64. ``mask`` of ones and zeros, broadcast against ``x``, says what may be moved. The same seed
    gives the same examples. Samples that one restart broke are left alone by the next.
    """
    generator = torch.Generator().manual_seed(seed)
    found = x.detach().clone()
    standing = every_row(x)
    for _ in range(settings.restarts if settings.random else 1):
        if not len(standing):
            break
        own_mask = None if mask is None else mask.expand_as(x)[standing]
        start = random_start(x[standing], threat, generator, own_mask) if settings.random else x[standing]
        found[standing] = _descend(target, x[standing], start, standing, labels[standing], threat, settings, own_mask)
        standing = standing[classes_of(target, found[standing], standing) == labels[standing]]
    return found


def _descend(
    target: GradientTarget,
    x: Tensor,
    start: Tensor,
    rows: Tensor,
    labels: Tensor,
    threat: Threat,
    settings: PgdSettings,
    mask: Tensor | None,
) -> Tensor:
    """One run. A sample that is misclassified on the way keeps the point at which it was: more steps could undo it."""
    point = start.detach()
    kept = point.clone()
    broken = torch.zeros(len(x), dtype=torch.bool, device=x.device)
    for _ in range(settings.steps):
        here = loss_gradient(target, point, rows, labels, settings.loss.function)
        now = ~broken & (here.logits.argmax(dim=1) != labels)
        kept[now] = point[now]
        broken |= now
        gradient = here.gradient if mask is None else here.gradient * mask
        point = project(point + settings.share * threat.epsilon * direction(gradient, threat.norm), x, threat, mask)
    kept[~broken] = point[~broken]
    return kept
