"""The ResNet-20 of ``golden/resnet20`` as one writes it in PyTorch."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import relu


class Block(nn.Module):
    """Two convolutions beside a shortcut; with ``stride`` 2 the shortcut is a convolution of one pixel."""

    def __init__(self, channels: int, maps: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, maps, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(maps)
        self.conv2 = nn.Conv2d(maps, maps, kernel_size=3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(maps)
        self.shortcut = nn.Sequential()
        if stride != 1:
            self.shortcut.append(nn.Conv2d(channels, maps, kernel_size=1, stride=stride, bias=False))
            self.shortcut.append(nn.BatchNorm2d(maps))

    def forward(self, x: Tensor) -> Tensor:
        """``[N, channels, H, W]`` to ``[N, maps, H / stride, W / stride]``."""
        path: Tensor = self.norm2(self.conv2(relu(self.norm1(self.conv1(x)))))
        return relu(path + self.shortcut(x))


class ResNet20(nn.Module):
    """Images of bytes, ``[N, 3, 32, 32]``, to 10 scores, ``[N, 10]``."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 16, kernel_size=3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        sizes = [(16, 16, 1)] * 3 + [(16, 32, 2)] + [(32, 32, 1)] * 2 + [(32, 64, 2)] + [(64, 64, 1)] * 2
        self.blocks = nn.Sequential(*(Block(*size) for size in sizes))
        self.classify = nn.Linear(64, 10)

    def forward(self, image: Tensor) -> Tensor:
        """The scores of each image."""
        x: Tensor = self.blocks(relu(self.norm(self.conv((image - 114.0) / 63.0))))
        scores: Tensor = self.classify(x.mean((2, 3)))
        return scores
