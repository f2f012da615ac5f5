"""model_signing, other people's implementation of the same format, in an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_FOLDER = Path(os.environ.get("BRIDGE_PEERS") or Path(__file__).parents[2] / ".peers" / "bin")
_COMMAND = shutil.which("model_signing", path=_FOLDER)

needs_model_signing = pytest.mark.skipif(
    _COMMAND is None,
    reason="model_signing is not installed: ./dev test does it, or BRIDGE_PEERS names where it is",
)


def model_signing(*arguments: str | Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command ``model_signing``."""
    command = [str(_COMMAND), *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, **(environment or {})})


def with_model_signing(code: str, *arguments: str | Path) -> None:
    """Run Python code that uses the library: not all that it can do can be said on its command line."""
    command = [str(_FOLDER / "python"), "-c", code, *map(str, arguments)]
    finished = subprocess.run(command, check=False, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
