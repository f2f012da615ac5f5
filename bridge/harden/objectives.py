"""What training makes small, by method: a batch of samples to one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from bridge.errors import InvalidOptionError
from bridge.harden.classifier import Classifier, evaluating
from bridge.harden.options import Method, Training
from bridge.harden.perturbation import ascend, one_step

Objective: TypeAlias = Callable[[Classifier, Tensor, Tensor, torch.Generator], Tensor]
"""Classifier in training, ``x`` ``[N, ...]``, classes ``[N]``, randomness -> the loss, a scalar."""


def objective_of(method: Method, training: Training) -> Objective:
    """The objective by which one network is trained. Raises ``InvalidOptionError`` for distillation, which takes a teacher."""
    match method:
        case Method.PGD_AT | Method.ENSEMBLE:
            return adversarial(training)
        case Method.TRADES:
            return trades(training)
        case Method.FAST:
            return fast(training)
        case Method.SMOOTHING:
            return noise(training)
        case Method.DISTILLATION:
            raise InvalidOptionError("distillation takes a teacher: see bridge.harden.distillation")


def plain(classifier: Classifier, x: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Cross entropy on the samples as they are."""
    del generator
    return functional.cross_entropy(classifier(x), labels)


def adversarial(training: Training) -> Objective:
    """PGD-AT (Madry and others 2017): cross entropy at the worst point that a few steps find."""

    def objective(classifier: Classifier, x: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        return functional.cross_entropy(classifier(ascend(classifier, x, labels, training, generator)), labels)

    return objective


def fast(training: Training) -> Objective:
    """Fast adversarial training (Wong, Rice and Kolter 2020): one step from a random start.

    It may collapse within an epoch, to a network that withstands this one step and nothing else. That is why robust accuracy on
    the validation split, by which training stops and its best epoch is chosen, is measured with many steps.
    """

    def objective(classifier: Classifier, x: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        return functional.cross_entropy(classifier(one_step(classifier, x, labels, training, generator)), labels)

    return objective


def trades(training: Training) -> Objective:
    """TRADES (Zhang and others 2019): cross entropy on the samples, and ``beta`` times how far the answer moves nearby."""

    def objective(classifier: Classifier, x: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        with evaluating(classifier), torch.no_grad():
            settled = functional.softmax(classifier(x), dim=1)

        def divergence(logits: Tensor, labels: Tensor) -> Tensor:
            del labels
            return functional.kl_div(functional.log_softmax(logits, dim=1), settled, reduction="none").sum(dim=1)

        point = ascend(classifier, x, labels, training, generator, loss=divergence)
        logits = classifier(x)
        moved = functional.log_softmax(classifier(point), dim=1)
        apart = functional.kl_div(moved, functional.softmax(logits, dim=1), reduction="batchmean")
        return functional.cross_entropy(logits, labels) + training.beta * apart

    return objective


def noise(training: Training) -> Objective:
    """Cross entropy under Gaussian noise of ``sigma``, never clipped: what a smoothed classifier's votes are cast on."""

    def objective(classifier: Classifier, x: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        drawn = torch.randn(x.shape, generator=generator, dtype=x.dtype)
        drawn = drawn if classifier.mask is None else drawn * classifier.mask
        return functional.cross_entropy(classifier(x + training.sigma * drawn), labels)

    return objective
