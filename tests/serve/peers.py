"""Other people's clients and servers, in an environment of their own: their dependencies are not ours."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

_FOLDER = Path(os.environ.get("BRIDGE_SERVING_PEERS", Path(__file__).parents[2] / ".peers-serving"))
PYTHON = _FOLDER / "bin" / "python"
SCHEMATHESIS = _FOLDER / "bin" / "schemathesis"

needs_peers = pytest.mark.skipif(not PYTHON.exists(), reason="no .peers-serving: `./dev test-all` makes it")


def run_peer(script: Path, *arguments: str, timeout: float = 120) -> Any:
    """What ``script`` prints as JSON, run by the peers' Python."""
    done = subprocess.run(
        [PYTHON, "-W", "ignore", script, *arguments], capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
