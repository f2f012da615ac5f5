"""The loop: epochs of one objective, a measure on the validation split after each, and the best epoch in the end."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch import nn

from bridge.errors import InvalidOptionError
from bridge.harden.classifier import Classifier, tensors
from bridge.harden.objectives import Objective
from bridge.harden.options import Training
from bridge.harden.samples import Samples

Measure: TypeAlias = Callable[[Classifier], float]
"""How good the classifier is on the validation split: greater is better."""

Progress: TypeAlias = Callable[[int, int, str], None]
"""Told after every epoch: how many are done, of how many at most, and the figures."""


def silent(done: int, total: int, text: str) -> None:
    """Tells nobody."""
    del done, total, text


@dataclass(frozen=True, slots=True)
class Epoch:
    """``loss`` is the mean over the epoch's batches, ``measure`` what the validation split said."""

    loss: float
    measure: float


@dataclass(frozen=True, slots=True)
class History:
    """Every epoch, and the one whose weights were kept, from 0. ``best`` is -1 where none was better than the beginning."""

    start: float
    epochs: tuple[Epoch, ...] = ()
    best: int = -1
    stopped_early: bool = False
    measured_by: str = field(default="robust accuracy")

    def to_json(self) -> dict[str, Any]:
        """In JSON's types."""
        return {
            "measured_by": self.measured_by,
            "start": self.start,
            "best_epoch": self.best,
            "stopped_early": self.stopped_early,
            "epochs": [{"loss": epoch.loss, "measure": epoch.measure} for epoch in self.epochs],
        }


def train(
    classifier: Classifier,
    samples: Samples,
    objective: Objective,
    measure: Measure,
    training: Training,
    *,
    measured_by: str = "robust accuracy",
    progress: Progress = silent,
) -> History:
    """Train ``classifier`` in place; it ends in evaluation with the weights of the best epoch by ``measure``.

    The same seed gives the same weights on the same machine with one thread. Raises ``InvalidOptionError`` where nothing can be
    trained, or the loss is no number any more.
    """
    trainable = [parameter for parameter in classifier.parameters() if parameter.requires_grad]
    if not trainable:
        raise InvalidOptionError("the network has no parameters that may be trained")
    if training.fresh:
        draw_afresh(classifier, training.seed)
    generator = torch.Generator().manual_seed(training.seed)
    optimiser = torch.optim.Adam(trainable, lr=training.learning_rate)
    start = best = measure(classifier)
    kept, kept_at = copy.deepcopy(classifier.state_dict()), -1
    epochs: list[Epoch] = []
    while len(epochs) < training.epochs and len(epochs) - 1 - max(kept_at, 0) < training.patience:
        loss = _epoch(classifier, samples, objective, optimiser, training, generator)
        found = measure(classifier)
        epochs.append(Epoch(loss, found))
        if found > best:
            best, kept, kept_at = found, copy.deepcopy(classifier.state_dict()), len(epochs) - 1
        progress(len(epochs), training.epochs, f"loss {loss:.3f}, {measured_by} {found:.3f}")
    classifier.load_state_dict(kept)
    classifier.eval()
    return History(start, tuple(epochs), kept_at, len(epochs) < training.epochs, measured_by)


def _epoch(
    classifier: Classifier,
    samples: Samples,
    objective: Objective,
    optimiser: torch.optim.Optimizer,
    training: Training,
    generator: torch.Generator,
) -> float:
    """One pass in an order drawn by ``generator``; the mean loss."""
    x, labels = tensors(samples)
    whole = classifier.beside(samples)
    _train_mode(classifier, dropout=training.dropout)
    # Dropout draws from torch's own generator: forked, so that the caller's random numbers stay what they were.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(1 << 62, (1,), generator=generator)))
        total = 0.0
        for rows in torch.split(torch.randperm(len(labels), generator=generator), training.batch):
            optimiser.zero_grad()
            loss = objective(whole.at(rows), x[rows], labels[rows], generator)
            if not torch.isfinite(loss):
                raise InvalidOptionError(f"the loss became {float(loss.detach())}: choose a smaller learning rate")
            torch.autograd.backward(loss)
            optimiser.step()
            total += float(loss.detach()) * len(rows)
    classifier.eval()
    return total / len(labels)


def _train_mode(classifier: nn.Module, *, dropout: bool) -> None:
    classifier.train()
    if not dropout:
        for module in classifier.modules():
            if isinstance(module, nn.Dropout):
                module.eval()


def draw_afresh(classifier: nn.Module, seed: int) -> None:
    """New weights for every trainable layer, by ``seed``, as torch draws them for a new one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for module in classifier.modules():
            own = list(module.parameters(recurse=False))
            reset = getattr(module, "reset_parameters", None)
            if own and all(parameter.requires_grad for parameter in own) and callable(reset):
                reset()
