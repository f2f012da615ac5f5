"""The gradient of a loss at the input, and what can be attacked with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from verify.robustness.losses import LossFunction


class GradientTarget(Protocol):
    """Something differentiable that classifies."""

    def __call__(self, x: Tensor, rows: Tensor) -> Tensor:
        """Logits ``(len(x), C)``, where ``x[i]`` stands in the place of sample ``rows[i]`` of those that are attacked.

        ``rows`` matters to a model with further inputs, such as the lengths of padded sequences, which go with the sample.
        """
        ...


@dataclass(frozen=True, slots=True)
class AtPoint:
    """What one pass forth and back tells: ``gradient`` is like the input, ``losses`` are ``(N,)``, ``logits`` ``(N, C)``."""

    gradient: Tensor
    losses: Tensor
    logits: Tensor


def every_row(x: Tensor) -> Tensor:
    """The numbers of all samples."""
    return torch.arange(len(x), device=x.device)


def loss_gradient(target: GradientTarget, x: Tensor, rows: Tensor, labels: Tensor, loss: LossFunction) -> AtPoint:
    """Loss, logits and gradient at ``x``.

    The gradient is that of the model at the point itself. Nothing of the attack is in the graph: differentiating through the
    clipping to the box would make it zero wherever a random start left the box, and the model would look robust.
    """
    point = x.detach().clone().requires_grad_()
    with torch.enable_grad():
        logits = target(point, rows)
        losses = loss(logits, labels)
        # A model without a path from input to output has no gradient at all, which is a zero one.
        (gradient,) = torch.autograd.grad(losses.sum(), [point], allow_unused=True) if losses.requires_grad else (None,)
    found = torch.zeros_like(point) if gradient is None else torch.nan_to_num(gradient, nan=0.0, posinf=0.0, neginf=0.0)
    return AtPoint(found.detach(), losses.detach(), logits.detach())


def classes_of(target: GradientTarget, x: Tensor, rows: Tensor) -> Tensor:
    """The classes that ``x`` is taken for: ``(N,)``."""
    with torch.no_grad():
        return target(x, rows).argmax(dim=1)
