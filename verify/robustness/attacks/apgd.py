"""Auto-PGD (Croce and Hein 2020): a step that adapts itself to each sample, so that nothing is left to choose.

With cross entropy it is APGD-CE; aimed at each of the likeliest other classes in turn, with the ratio of differences of logits,
it is APGD-T. The two together decide nearly all of what AutoAttack's four attacks do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from verify.robustness.attacks.gradient import AtPoint, GradientTarget, classes_of, every_row, loss_gradient
from verify.robustness.losses import LossFunction, cross_entropy, difference_of_logits_ratio, margin
from verify.robustness.projection import direction, lengths, project
from verify.robustness.threat import Norm, Threat

_MOMENTUM: Final = 0.75
_ENOUGH_RISES: Final = 0.75  # The share of steps that have to drive the loss up for the step to keep its length.
_CLASSES_FOR_RATIO: Final = 4


@dataclass(frozen=True, slots=True)
class ApgdSettings:
    """``steps`` and ``restarts`` of each run; ``aims`` is how many classes APGD-T tries, at most."""

    steps: int = 100
    restarts: int = 1
    aims: int = 9


STANDARD_APGD = ApgdSettings()


def apgd_ce(
    target: GradientTarget,
    x: Tensor,
    labels: Tensor,
    threat: Threat,
    settings: ApgdSettings = STANDARD_APGD,
    *,
    seed: int = 0,
    mask: Tensor | None = None,
) -> Tensor:
    """An example for each of ``x``, of shape ``(N, ...)``, driven by cross entropy."""
    generator = torch.Generator().manual_seed(seed)
    found = x.detach().clone()
    for _ in range(settings.restarts):
        _attack_standing(target, x, labels, threat, settings, generator, mask, found, aim=None)
    return found


def apgd_t(
    target: GradientTarget,
    x: Tensor,
    labels: Tensor,
    threat: Threat,
    settings: ApgdSettings = STANDARD_APGD,
    *,
    seed: int = 0,
    mask: Tensor | None = None,
) -> Tensor:
    """An example for each of ``x``, aimed at the likeliest other classes one after another.

    With fewer than four classes the ratio is not defined, and the margin of logits takes its place.
    """
    generator = torch.Generator().manual_seed(seed)
    found = x.detach().clone()
    with torch.no_grad():
        classes = target(x[:1], every_row(x[:1])).shape[1]
    for _ in range(settings.restarts):
        for aim in range(min(settings.aims, classes - 1)):
            _attack_standing(target, x, labels, threat, settings, generator, mask, found, aim=aim)
    return found


def _attack_standing(
    target: GradientTarget,
    x: Tensor,
    labels: Tensor,
    threat: Threat,
    settings: ApgdSettings,
    generator: torch.Generator,
    mask: Tensor | None,
    found: Tensor,
    *,
    aim: int | None,
) -> None:
    """One run on the samples that ``found`` has not broken yet; what it finds is put there."""
    rows = every_row(x)
    standing = rows[classes_of(target, found, rows) == labels]
    if not len(standing):
        return
    loss = cross_entropy if aim is None else _aimed(target, x[standing], standing, labels[standing], aim)
    own_mask = None if mask is None else mask.expand_as(x)[standing]
    run = _Run(target, x[standing], labels[standing], standing, threat, loss, own_mask)
    found[standing] = run.search(settings.steps, generator)


def _aimed(target: GradientTarget, x: Tensor, rows: Tensor, labels: Tensor, aim: int) -> LossFunction:
    """The targeted loss towards the ``aim``-th likeliest class but the label, as the unmoved sample is judged."""
    with torch.no_grad():
        logits = target(x, rows)
    if logits.shape[1] < _CLASSES_FOR_RATIO:
        return margin
    aims = logits.scatter(1, labels[:, None], float("-inf")).sort(dim=1, descending=True).indices[:, aim]
    return lambda moved, own: difference_of_logits_ratio(moved, own, aims)


class _Run:
    """One search from one random start, every sample with a step of its own."""

    def __init__(
        self,
        target: GradientTarget,
        x: Tensor,
        labels: Tensor,
        rows: Tensor,
        threat: Threat,
        loss: LossFunction,
        mask: Tensor | None,
    ) -> None:
        self._target, self._x, self._labels, self._rows = target, x, labels, rows
        self._threat, self._loss, self._mask = threat, loss, mask
        self._wide = (-1, *[1] * (x.dim() - 1))

    def search(self, steps: int, generator: torch.Generator) -> Tensor:
        """The first misclassified point of each sample, or the one with the greatest loss."""
        point = previous = self._start(generator)
        here = self._look(point)
        broken = here.logits.argmax(dim=1) != self._labels
        answer = point.clone()
        best, best_loss, best_gradient = point.clone(), here.losses.clone(), here.gradient.clone()
        step = torch.full_like(best_loss, 2 * self._threat.epsilon)
        gradient, last_loss, rises = here.gradient, here.losses, torch.zeros_like(best_loss)
        halved, loss_at_check = torch.ones_like(broken), best_loss.clone()
        checks = _checkpoints(steps)
        since = 0
        for count in range(steps):
            point, previous = self._next(point, previous, gradient, step, first=count == 0), point
            here = self._look(point)
            now = ~broken & (here.logits.argmax(dim=1) != self._labels)
            answer[now], broken = point[now], broken | now
            rises += here.losses > last_loss
            last_loss, gradient = here.losses, here.gradient.clone()
            higher = here.losses > best_loss
            best[higher], best_loss[higher], best_gradient[higher] = point[higher], here.losses[higher], here.gradient[higher]
            since += 1
            if count + 1 in checks:
                stuck = rises <= _ENOUGH_RISES * since
                halve = stuck | (~halved & (best_loss <= loss_at_check))
                halved, loss_at_check = halve, best_loss.clone()
                step = torch.where(halve, step / 2, step)
                point, gradient = point.clone(), gradient.clone()
                point[halve], gradient[halve] = best[halve], best_gradient[halve]
                rises, since = torch.zeros_like(rises), 0
        answer[~broken] = best[~broken]
        return answer

    def _look(self, point: Tensor) -> AtPoint:
        return loss_gradient(self._target, point, self._rows, self._labels, self._loss)

    def _start(self, generator: torch.Generator) -> Tensor:
        """A point of the ball's surface."""
        x, threat = self._x, self._threat
        if threat.norm is Norm.LINF:
            drawn = 2 * torch.rand(x.shape, generator=generator, dtype=x.dtype).to(x.device) - 1
            drawn = drawn / drawn.abs().amax(dim=tuple(range(1, x.dim())), keepdim=True).clamp_min(1e-12)
        else:
            drawn = torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device)
            drawn = drawn / lengths(drawn)
        return project(x + threat.epsilon * drawn, x, threat, self._mask)

    def _next(self, point: Tensor, previous: Tensor, gradient: Tensor, step: Tensor, *, first: bool) -> Tensor:
        """A step along the gradient, with a share of the movement before it."""
        way = gradient if self._mask is None else gradient * self._mask
        aimed = project(point + step.view(self._wide) * direction(way, self._threat.norm), self._x, self._threat, self._mask)
        if first:
            return aimed
        moved = point + _MOMENTUM * (aimed - point) + (1 - _MOMENTUM) * (point - previous)
        return project(moved, self._x, self._threat, self._mask)


def _checkpoints(steps: int) -> frozenset[int]:
    """After which steps the length of the step is looked at: ever more often, as the paper has it."""
    size, smaller, least = max(math.floor(0.22 * steps), 1), max(math.floor(0.03 * steps), 1), max(math.floor(0.06 * steps), 1)
    places, place = set(), size
    while place <= steps:
        places.add(place)
        size = max(size - smaller, least)
        place += size
    return frozenset(places)
