"""The tagger of ``golden/lstm_tagger`` as one writes it in PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Tagger(nn.Module):
    """Words as one-hot vectors, ``[N, T, 80]``, to 12 scores per word, ``[N, T, 12]``; 0 behind the end of a sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Linear(80, 32, bias=False)
        self.lstm = nn.LSTM(32, 48, batch_first=True)
        self.tag = nn.Linear(48, 12)

    def forward(self, words: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The scores; ``lengths``, ``[N]``, where the sequences are not all of full length."""
        scores: Tensor = self.tag(self.lstm(self.embedding(words))[0])
        if lengths is None:
            return scores
        real = torch.arange(words.shape[1], device=words.device) < lengths.unsqueeze(1)
        return scores * real.unsqueeze(2)
