"""How often a classifier is right: as it is, under attack, under noise; overall and by class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from bridge.harden.classifier import Classifier, logits_of, tensors
from bridge.harden.options import Training
from bridge.harden.samples import Samples
from verify.robustness.attacks.pgd import PgdSettings, pgd
from verify.robustness.attacks.token_substitution import flip_by_gradient
from verify.robustness.threat import Norm


@dataclass(frozen=True, slots=True)
class ClassAccuracy:
    """Of ``samples`` of the class ``label``, how many are right, and how many stay right under attack."""

    label: int
    samples: int
    clean: int
    robust: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Accuracy by class under an attack at ``epsilon``: of ``steps`` steps of PGD, or by other tokens."""

    epsilon: float
    steps: int
    classes: tuple[ClassAccuracy, ...]
    attack: str = "pgd"

    @property
    def samples(self) -> int:
        """How many there are in all."""
        return sum(item.samples for item in self.classes)

    @property
    def clean(self) -> float:
        """The share that is right as it is."""
        return sum(item.clean for item in self.classes) / max(self.samples, 1)

    @property
    def robust(self) -> float:
        """The share that stays right under attack."""
        return sum(item.robust for item in self.classes) / max(self.samples, 1)

    def to_json(self) -> dict[str, Any]:
        """In JSON's types."""
        return {
            "attack": self.attack,
            "epsilon": self.epsilon,
            "steps": self.steps,
            "samples": self.samples,
            "clean_accuracy": self.clean,
            "robust_accuracy": self.robust,
            "classes": [
                {"label": item.label, "samples": item.samples, "clean": item.clean, "robust": item.robust}
                for item in self.classes
            ],
        }


def evaluate(classifier: Classifier, samples: Samples, training: Training, *, steps: int, seed: int) -> Evaluation:
    """Accuracy on ``samples``, clean and under PGD in the training's own threat. A sample that is wrong anyhow is not robust."""
    classifier.eval()
    bound = classifier.beside(samples)
    clean = logits_of(bound, samples.x).argmax(axis=1) == samples.y
    x, labels = tensors(samples)
    if training.norm is Norm.TOKENS:
        found = flip_by_gradient(bound, x, labels, training.threat, mask=bound.mask)
    else:
        found = pgd(bound, x, labels, training.threat, PgdSettings(steps=steps), seed=seed, mask=bound.mask)
    robust = clean & (logits_of(bound, found.numpy()).argmax(axis=1) == samples.y)
    return _by_class(samples, clean, robust, training, steps)


def accuracy_under_noise(classifier: Classifier, samples: Samples, sigma: float, *, seed: int, draws: int = 4) -> float:
    """The share of noisy copies that are right: what smoothing's votes come to."""
    classifier.eval()
    generator = torch.Generator().manual_seed(seed)
    x, labels = tensors(samples)
    bound = classifier.beside(samples)
    moved = sigma if bound.mask is None else sigma * bound.mask
    with torch.no_grad():
        shares = [
            (bound(x + moved * torch.randn(x.shape, generator=generator, dtype=x.dtype)).argmax(dim=1) == labels).double().mean()
            for _ in range(draws)
        ]
    return float(torch.stack(shares).mean())


def _by_class(samples: Samples, clean: Any, robust: Any, training: Training, steps: int) -> Evaluation:
    classes = []
    for label in sorted({int(value) for value in samples.y}):
        own = samples.y == label
        classes.append(ClassAccuracy(label, int(own.sum()), int((clean & own).sum()), int((robust & own).sum())))
    attack = "token substitution" if training.norm is Norm.TOKENS else "pgd"
    return Evaluation(training.epsilon, steps, tuple(classes), attack)
