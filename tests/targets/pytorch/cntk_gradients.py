"""Gradients of recorded models as the real CNTK computes them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.targets.pytorch.converted import GOLDEN

SCRIPT = Path(__file__).parent / "cntk_side" / "gradients.py"
_SECONDS = 120


def gradients(case: str, result: Path) -> list[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Each parameter's value, and its gradient of the sum of the first output's squares."""
    libraries = [os.environ.get("BRIDGE_CNTK_LIBRARY_PATH", ""), os.environ.get("LD_LIBRARY_PATH", "")]
    environment = {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(path for path in libraries if path)}
    command = [os.environ["BRIDGE_CNTK_PYTHON"], "-B", "-W", "ignore", str(SCRIPT), str(GOLDEN / case), str(result)]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=_SECONDS)
    with np.load(result) as arrays:
        count = sum(name.startswith("value/") for name in arrays)
        return [(arrays[f"value/{k}"], arrays[f"gradient/{k}"]) for k in range(count)]
