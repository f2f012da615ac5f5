"""model, converted from CNTK by cntk-bridge."""

from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional as F


class ResidualBlock(nn.Module):
    """Layers around which the input is added to the result."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels, momentum=0.0155)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels, momentum=0.0155)

    def forward(self, x: Tensor) -> Tensor:
        x2: Tensor = self.conv2(F.relu(self.norm1(self.conv1(x))))
        return F.relu(self.norm2(x2) + x)


class ProjectionBlock(nn.Module):
    """Layers in two paths of which the results are added."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, out_channels, kernel_size=3, stride=2, padding=1, bias=False
        )
        self.norm1 = nn.BatchNorm2d(out_channels, momentum=0.0155)
        self.conv2 = nn.Conv2d(
            out_channels, out_channels, kernel_size=3, padding=1, bias=False
        )
        self.norm2 = nn.BatchNorm2d(out_channels, momentum=0.0155)
        self.conv3 = nn.Conv2d(
            in_channels, out_channels, kernel_size=1, stride=2, bias=False
        )
        self.norm3 = nn.BatchNorm2d(out_channels, momentum=0.0155)

    def forward(self, x: Tensor) -> Tensor:
        x2: Tensor = self.conv2(F.relu(self.norm1(self.conv1(x))))
        x = self.norm2(x2) + self.norm3(self.conv3(x))
        return F.relu(x)


class Model(nn.Module):
    """The network of model."""

    input_ranks: ClassVar[dict[str, int]] = {"image": 4}

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 16, kernel_size=3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16, momentum=0.0155)
        self.stage = nn.Sequential(
            ResidualBlock(16),
            ResidualBlock(16),
            ResidualBlock(16),
            ProjectionBlock(16, 32),
            ResidualBlock(32),
            ResidualBlock(32),
            ProjectionBlock(32, 64),
            ResidualBlock(64),
            ResidualBlock(64),
        )
        self.z = nn.Linear(64, 10)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        x: Tensor = self.norm(self.conv((image - 114.0) * 0.015873017))
        mean = self.stage(F.relu(x)).mean((2, 3), keepdim=True)
        z: Tensor = self.z(mean.flatten(1))
        return {"z": z}
