"""One step along the gradient (Goodfellow, Shlens and Szegedy 2014)."""

from __future__ import annotations

from torch import Tensor

from verify.robustness.attacks.gradient import GradientTarget, every_row, loss_gradient
from verify.robustness.losses import Loss
from verify.robustness.projection import direction, project
from verify.robustness.threat import Threat


def fgsm(
    target: GradientTarget,
    x: Tensor,
    labels: Tensor,
    threat: Threat,
    *,
    loss: Loss = Loss.CROSS_ENTROPY,
    mask: Tensor | None = None,
) -> Tensor:
    """``x`` of shape ``(N, ...)`` moved by the whole of ``threat.epsilon`` along the gradient's direction."""
    gradient = loss_gradient(target, x, every_row(x), labels, loss.function).gradient
    if mask is not None:
        gradient = gradient * mask
    return project(x + threat.epsilon * direction(gradient, threat.norm), x, threat, mask)
