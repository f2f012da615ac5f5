"""Recorded models as PyTorch modules, with their recorded inputs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import bridge
from verify.equivalence import find_cases
from verify.equivalence.backends.pytorch import PyTorch
from verify.equivalence.cases import load_case
from verify.equivalence.feeding import feeds

GOLDEN = Path(__file__).parents[3] / "golden"
CASES = find_cases(GOLDEN)
NETWORKS = [folder for folder in CASES if folder.parent == GOLDEN]


@dataclass(frozen=True, slots=True)
class Converted:
    """A module in evaluation mode, its recorded inputs, and the folder that it was written to."""

    module: torch.nn.Module
    inputs: dict[str, torch.Tensor]
    folder: Path

    @property
    def source(self) -> str:
        return (self.folder / "model.py").read_text()


def converted(case: str, folder: Path) -> Converted:
    """The golden case ``case``, converted into ``folder``."""
    recorded = load_case(GOLDEN / case)
    outputs = [output.description.name or output.description.uid for output in recorded.outputs]
    bridge.convert(recorded.model_path(), folder, target="torch", outputs=outputs)
    given = feeds(recorded, PyTorch(folder).inputs)
    tensors = {name: torch.from_numpy(np.array(value, order="C")) for name, value in given.items()}
    return Converted(bridge.load_torch(folder, allow_unsigned=True), tensors, folder)
