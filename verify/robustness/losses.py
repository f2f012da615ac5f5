"""What an attack drives up: functions of logits ``(N, C)`` and labels ``(N,)`` with one value for each sample."""

from __future__ import annotations

import enum
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

LossFunction = Callable[[Tensor, Tensor], Tensor]


class Loss(enum.StrEnum):
    """``CROSS_ENTROPY`` saturates on a model that is too sure of itself, which is what ``MARGIN`` is for."""

    CROSS_ENTROPY = "cross-entropy"
    MARGIN = "margin"

    @property
    def function(self) -> LossFunction:
        """The loss itself."""
        return _FUNCTIONS[self]


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of each sample: shape ``(N,)``."""
    return functional.cross_entropy(logits, labels, reduction="none")


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """The best other logit less that of the label: at least 0 where the sample is misclassified."""
    own = logits.gather(1, labels[:, None])[:, 0]
    others = logits.scatter(1, labels[:, None], float("-inf"))
    return others.amax(dim=1) - own


def difference_of_logits_ratio(logits: Tensor, labels: Tensor, aims: Tensor) -> Tensor:
    """Croce and Hein's targeted ratio: how much ``aims`` exceeds the label, in units that do not change with the logits' scale.

    Takes four classes or more.
    """
    ordered = logits.sort(dim=1).values
    spread = ordered[:, -1] - (ordered[:, -3] + ordered[:, -4]) / 2
    rows = torch.arange(len(labels), device=labels.device)
    return -(logits[rows, labels] - logits[rows, aims]) / (spread + 1e-12)


_FUNCTIONS: dict[Loss, LossFunction] = {Loss.CROSS_ENTROPY: cross_entropy, Loss.MARGIN: margin}
