"""Defensive distillation (Papernot and others 2016): offered because it is asked for, and known not to hold.

A student learns a teacher's answers at a high temperature, and is asked at temperature 1. Its logits are as many times too large,
softmax saturates, and the gradient of cross entropy vanishes in float32: attacks that follow it stand still. Dividing the logits
by the temperature, a loss on the logits' margin, or an attack without gradients brings back the network that was there before.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from bridge.harden.classifier import Classifier
from bridge.harden.objectives import Objective
from bridge.harden.options import DISTILLATION_WARNING, Training

__all__ = ["DISTILLATION_WARNING", "distilled", "teaching"]


def teaching(training: Training) -> Objective:
    """The teacher's objective: cross entropy at the temperature."""

    def objective(classifier: Classifier, x: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        del generator
        return functional.cross_entropy(classifier(x) / training.temperature, labels)

    return objective


def distilled(teacher: Classifier, training: Training) -> Objective:
    """The student's objective: the teacher's answers at the temperature, in place of the classes."""
    teacher.eval()

    def objective(classifier: Classifier, x: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        del labels, generator
        with torch.no_grad():
            answers = functional.softmax(teacher.like(classifier)(x) / training.temperature, dim=1)
        return functional.cross_entropy(classifier(x) / training.temperature, answers)

    return objective
