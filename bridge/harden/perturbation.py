"""The attacks of training: what the loss is made greatest with, inside of one step of the optimiser.

Other than the attacks of ``verify.robustness``, which measure, these go on after a sample is misclassified: a point further on is
the better lesson.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bridge.harden.classifier import Classifier, evaluating
from bridge.harden.options import Training
from verify.robustness.attacks.gradient import every_row, loss_gradient
from verify.robustness.attacks.token_substitution import flip_by_gradient
from verify.robustness.losses import LossFunction, cross_entropy
from verify.robustness.projection import direction, project, random_start
from verify.robustness.threat import Norm

FAST_STEP = 1.25
"""Of epsilon: Wong, Rice and Kolter (2020)."""


def ascend(
    classifier: Classifier,
    x: Tensor,
    labels: Tensor,
    training: Training,
    generator: torch.Generator,
    *,
    loss: LossFunction = cross_entropy,
) -> Tensor:
    """Points of the ball at which ``loss`` is great, after ``training.steps`` steps from a random start. ``[N, ...]``.

    The network is asked in evaluation, so that its running statistics know nothing of the points on the way. Where tokens are
    what may change, they are replaced as ``verify.robustness`` does it, whatever ``loss`` and steps are.
    """
    if training.norm is Norm.TOKENS:
        with evaluating(classifier):
            return flip_by_gradient(classifier, x, labels, training.lesson, mask=classifier.mask)
    return _steps(classifier, x, labels, training, generator, training.steps, training.step, loss)


def one_step(classifier: Classifier, x: Tensor, labels: Tensor, training: Training, generator: torch.Generator) -> Tensor:
    """One step of 1.25 epsilon from a random start: FGSM-RS."""
    return _steps(classifier, x, labels, training, generator, 1, FAST_STEP, cross_entropy)


def _steps(
    classifier: Classifier,
    x: Tensor,
    labels: Tensor,
    training: Training,
    generator: torch.Generator,
    steps: int,
    step: float,
    loss: LossFunction,
) -> Tensor:
    threat, mask = training.lesson, classifier.mask
    rows = every_row(x)
    point = random_start(x, threat, generator, mask)
    with evaluating(classifier):
        for _ in range(steps):
            gradient = loss_gradient(classifier, point, rows, labels, loss).gradient
            gradient = gradient if mask is None else gradient * mask
            point = project(point + step * threat.epsilon * direction(gradient, threat.norm), x, threat, mask)
    return point.detach()
