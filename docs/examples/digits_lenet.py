"""model, converted from CNTK by cntk-bridge."""

from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional as F


class Model(nn.Module):
    """The network of model."""

    input_ranks: ClassVar[dict[str, int]] = {"image": 4}

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, kernel_size=3, padding=1)
        self.pool1 = nn.MaxPool2d(kernel_size=2, stride=2)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, padding=1)
        self.pool2 = nn.MaxPool2d(kernel_size=2, stride=2)
        self.dense1 = nn.Linear(128, 64)
        self.dropout = nn.Dropout(0.25)
        self.z = nn.Linear(64, 10)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        x: Tensor = self.conv2(self.pool1(F.relu(self.conv1(image))))
        x = self.dense1(self.pool2(F.relu(x)).flatten(1))
        z: Tensor = self.z(self.dropout(F.relu(x)))
        return {"z": z}
