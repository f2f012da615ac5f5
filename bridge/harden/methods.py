"""A method applied to a network: one network trained, or several, and the graph that comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch

from bridge.harden.classifier import Classifier
from bridge.harden.distillation import distilled, teaching
from bridge.harden.evaluation import accuracy_under_noise, evaluate
from bridge.harden.network import Network
from bridge.harden.objectives import Objective, objective_of
from bridge.harden.options import Method, Training
from bridge.harden.samples import Samples, Split
from bridge.harden.threads import one_thread
from bridge.harden.training import History, Measure, Progress, silent, train

VALIDATION_STEPS = 10
"""Of the attack by which epochs are compared: more than any training here takes, so that one step alone is seen through."""


@dataclass(frozen=True, slots=True)
class Trained:
    """The network with its new weights, and how every one of it was trained."""

    network: Network
    histories: tuple[History, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is trained: a network, by one input and one output, on split samples.

    ``probabilities`` says that the output has been through softmax.
    """

    network: Network
    input_name: str
    output_name: str
    split: Split
    probabilities: bool = False

    def classifier(self) -> Classifier:
        """A new network to train."""
        return self.asked(self.network.module())

    def asked(self, module: torch.nn.Module) -> Classifier:
        """``module``, which computes this model or its child, as a classifier."""
        return Classifier(module, self.input_name, self.output_name, probabilities=self.probabilities)

    def retrained(self, classifier: Classifier) -> Network:
        """The network with the weights of a trained one. Raises ``InvalidOptionError`` where they do not go back."""
        return self.network.retrained(classifier.module)


def apply_method(method: Method, subject: Subject, training: Training, progress: Progress = silent) -> Trained:
    """Train by ``method``. Raises ``InvalidOptionError`` where the network cannot be trained so."""
    with one_thread():
        if method is Method.ENSEMBLE:
            return _ensemble(subject, training, progress)
        if method is Method.DISTILLATION:
            return _distillation(subject, training, progress)
        classifier, history = _one(subject, objective_of(method, training), training, progress, noisy=method is Method.SMOOTHING)
        return Trained(subject.retrained(classifier), (history,))


def _one(
    subject: Subject, objective: Objective, training: Training, progress: Progress, *, noisy: bool = False
) -> tuple[Classifier, History]:
    classifier = subject.classifier()
    held = subject.split.validation
    measure: Measure = partial(_under_noise, held, training) if noisy else partial(_under_attack, held, training)
    measured_by = "accuracy under noise" if noisy else "robust accuracy"
    history = train(classifier, subject.split.training, objective, measure, training, measured_by=measured_by, progress=progress)
    return classifier, history


def _under_attack(held: Samples, training: Training, classifier: Classifier) -> float:
    return evaluate(classifier, held, training, steps=VALIDATION_STEPS, seed=training.seed).robust


def _under_noise(held: Samples, training: Training, classifier: Classifier) -> float:
    return accuracy_under_noise(classifier, held, training.sigma, seed=training.seed)


def _ensemble(subject: Subject, training: Training, progress: Progress) -> Trained:
    """Members that begin apart: the first with the model's own weights, the others with new ones, each by a seed of its own."""
    members, histories = [], []
    for index in range(training.members):
        own = replace(training, seed=training.seed + index, fresh=training.fresh or index > 0)
        classifier, history = _one(subject, objective_of(Method.ENSEMBLE, own), own, _member(progress, index, training))
        members.append(subject.retrained(classifier))
        histories.append(history)
    return Trained(subject.network.joined(members, subject.output_name), tuple(histories))


def _member(progress: Progress, index: int, training: Training) -> Progress:
    def tell(done: int, total: int, text: str) -> None:
        progress(index * total + done, training.members * total, f"member {index + 1}: {text}")

    return tell


def _distillation(subject: Subject, training: Training, progress: Progress) -> Trained:
    """A teacher and its student, each from new weights: those of the model itself were not trained at the temperature."""
    own = replace(training, fresh=True)
    clean: Callable[[Classifier], float] = partial(_clean, subject.split.validation, training)
    teacher, student = subject.classifier(), subject.classifier()
    first = train(teacher, subject.split.training, teaching(own), clean, own, measured_by="accuracy", progress=progress)
    second = train(
        student, subject.split.training, distilled(teacher, own), clean, own, measured_by="accuracy", progress=progress
    )
    return Trained(subject.retrained(student), (first, second))


def _clean(held: Samples, training: Training, classifier: Classifier) -> float:
    return evaluate(classifier, held, training, steps=1, seed=training.seed).clean
