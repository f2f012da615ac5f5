"""The LeNet of ``golden/digits_lenet`` as one writes it in PyTorch."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import max_pool2d, relu


class LeNet(nn.Module):
    """Digits of 8 by 8 pixels, ``[N, 1, 8, 8]``, to 10 scores, ``[N, 10]``."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, padding=1)
        self.hidden = nn.Linear(128, 64)
        self.dropout = nn.Dropout(0.25)
        self.classify = nn.Linear(64, 10)

    def forward(self, image: Tensor) -> Tensor:
        """The scores of each image."""
        x = max_pool2d(relu(self.conv1(image)), 2)
        x = max_pool2d(relu(self.conv2(x)), 2)
        x = relu(self.hidden(x.flatten(1)))
        scores: Tensor = self.classify(self.dropout(x))
        return scores
