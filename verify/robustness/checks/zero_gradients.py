"""A gradient that is nothing: rounding, clipping or a path that was cut keep attacks that follow it in the dark."""

from __future__ import annotations

import torch
from torch import Tensor

from verify.robustness.attacks.gradient import every_row, loss_gradient
from verify.robustness.document import Check, CheckStatus
from verify.robustness.losses import cross_entropy, margin
from verify.robustness.targets import TwinTarget

NAME = "zero gradients"


def zero_gradients(twin: TwinTarget, x: Tensor, labels: Tensor) -> Check:
    """Raised where the margin of any sample has a gradient of exactly zero at the sample itself.

    Where that of cross entropy alone vanishes, the model is too sure of itself, which the margin sees through: noted.
    """
    rows = every_row(x)
    of_margin, of_entropy = (_nothing(loss_gradient(twin, x, rows, labels, loss).gradient) for loss in (margin, cross_entropy))
    if of_margin:
        return Check(NAME, CheckStatus.RAISED, f"the margin of {of_margin} of {len(x)} samples has a gradient of exactly zero")
    if of_entropy:
        return Check(NAME, CheckStatus.NOTED, f"cross entropy has none for {of_entropy} of {len(x)} samples; the margin has")
    return Check(NAME, CheckStatus.CLEAR, f"all {len(x)} samples have one")


def _nothing(gradient: Tensor) -> int:
    return int(torch.count_nonzero(gradient.flatten(1).abs().amax(dim=1) == 0))
