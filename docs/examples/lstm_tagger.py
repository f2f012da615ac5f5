"""model, converted from CNTK by cntk-bridge."""

from typing import ClassVar

import torch
from torch import Tensor, nn


def real_steps(x: Tensor, lengths: Tensor) -> Tensor:
    """True on the real steps of x [N, T, ...], False on padding: [N, T]."""
    return torch.arange(x.shape[1], device=x.device) < lengths.unsqueeze(1)


def ragged_mask(x: Tensor, lengths: Tensor | None) -> Tensor | None:
    """True on the real steps of x [N, T, ...]: [N, T]; None where all of them are."""
    return None if lengths is None else real_steps(x, lengths)


def masked(x: Tensor, mask: Tensor | None, fill: float = 0.0) -> Tensor:
    """The sequences x [N, T, ...] with fill on padded steps."""
    if mask is None:
        return x
    return torch.where(mask.view(*mask.shape, *[1] * (x.dim() - 2)), x, fill)


class Model(nn.Module):
    """The network of model."""

    input_ranks: ClassVar[dict[str, int]] = {"words": 3, "lengths": 1}

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(80, 32, bias=False)
        self.lstm = nn.LSTM(32, 48, batch_first=True)
        self.tags = nn.Linear(48, 12)

    def forward(
        self, words: Tensor, lengths: Tensor | None = None
    ) -> dict[str, Tensor]:
        ragged = ragged_mask(words, lengths)
        tags = masked(self.tags(self.lstm(self.linear(words))[0]), ragged)
        return {"tags": tags}
