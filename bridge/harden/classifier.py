"""A converted module as what attacks and training want: an input to logits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from bridge.errors import InvalidInputsError
from bridge.harden.samples import Array, Samples
from verify.robustness.probabilities import LEAST, are_probabilities


class Classifier(nn.Module):
    """``module`` asked by one input for one output: ``[N, ...]`` to logits ``[N, C]``.

    ``others`` are what its further inputs hold for the samples at hand, and ``mask`` what may be moved of them: see ``beside``.
    With ``probabilities`` the output's logarithms are the logits.
    """

    def __init__(
        self,
        module: nn.Module,
        input_name: str,
        output_name: str,
        *,
        others: Mapping[str, Tensor] | None = None,
        mask: Tensor | None = None,
        probabilities: bool = False,
    ) -> None:
        super().__init__()
        self.module = module
        self.input_name = input_name
        self.output_name = output_name
        self.others = dict(others or {})
        self.mask = mask
        self.probabilities = probabilities

    def forward(self, x: Tensor, rows: Tensor | None = None) -> Tensor:
        """The logits. ``rows`` says which of the samples at hand these are; without it they are all of them, in order."""
        others = self.others if rows is None else {name: value[rows] for name, value in self.others.items()}
        found: Tensor = self.module(**{self.input_name: x, **others})[self.output_name].flatten(1)
        return found.clamp_min(LEAST).log() if self.probabilities else found

    def beside(self, samples: Samples) -> Classifier:
        """The same network, its weights shared, for ``samples``."""
        others = {name: torch.tensor(value) for name, value in samples.others.items()}
        mask = None if samples.mask is None else torch.tensor(samples.mask).to(torch.tensor(samples.x[:0]).dtype)
        return self._for(others, mask)

    def at(self, rows: Tensor) -> Classifier:
        """The same for those of the samples at hand."""
        mask = None if self.mask is None else self.mask[rows]
        return self._for({name: value[rows] for name, value in self.others.items()}, mask)

    def like(self, other: Classifier) -> Classifier:
        """The same for the samples that are at hand for ``other``."""
        return self._for(other.others, other.mask)

    def _for(self, others: Mapping[str, Tensor], mask: Tensor | None) -> Classifier:
        made = Classifier(
            self.module, self.input_name, self.output_name, others=others, mask=mask, probabilities=self.probabilities
        )
        made.training = self.training
        return made


def tensors(samples: Samples) -> tuple[Tensor, Tensor]:
    """Samples in their own type and classes as int64, sharing no memory with them."""
    return torch.tensor(samples.x), torch.tensor(samples.y)


@contextmanager
def evaluating(classifier: Classifier) -> Iterator[None]:
    """Every layer in evaluation, and as it was before in the end: some are kept in evaluation while others train."""
    training = [module for module in classifier.modules() if module.training]
    classifier.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def require_fit(classifier: Classifier, samples: Samples) -> Classifier:
    """``classifier`` as these samples show that it has to be asked: whether its output is probabilities already.

    Raises ``InvalidInputsError`` for samples that the model does not take, or has no class for.
    """
    few = samples.first(64)
    try:
        scores = logits_of(classifier.beside(few), few.x)
    except (RuntimeError, IndexError, ValueError) as error:
        raise InvalidInputsError(f"the model does not take samples of shape {list(samples.x.shape[1:])}: {error}") from error
    if len(scores) != len(few) or scores.shape[1] < 2:
        raise InvalidInputsError(f"the output gives {list(scores.shape)} for {len(few)} samples; expected two classes or more")
    if not np.isfinite(scores).all():
        raise InvalidInputsError("the model's scores for these samples are not finite: they cannot be in its units")
    if int(samples.y.max()) >= scores.shape[1]:
        raise InvalidInputsError(f"a sample is of class {int(samples.y.max())}; the model has {scores.shape[1]} classes")
    return Classifier(classifier.module, classifier.input_name, classifier.output_name, probabilities=are_probabilities(scores))


def logits_of(classifier: Classifier, x: Array, batch: int = 512) -> Array:
    """The logits of ``x`` ``[N, ...]``, the samples at hand, in evaluation: numpy ``[N, C]``."""
    moved, rows = torch.tensor(x), torch.arange(len(x))
    with evaluating(classifier), torch.no_grad():
        found = [classifier(moved[part], part) for part in torch.split(rows, batch)]
    made: Array = torch.cat(found).numpy()
    return made
