"""Runs the generator of random models under the real CNTK's Python."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYTHON = "BRIDGE_CNTK_PYTHON"
LIBRARIES = "BRIDGE_CNTK_LIBRARY_PATH"
_SECONDS_PER_MODEL = 30


@dataclass(frozen=True, slots=True)
class Generated:
    """How many models CNTK computed, and the sentences with which it refused to compute the others, by number."""

    recorded: tuple[int, ...]
    refused: dict[int, str]


def generate(destination: Path, family: str, seed: int, count: int, first: int = 0) -> Generated:
    """Record ``count`` random models of ``family`` as golden cases below ``destination``, from number ``first`` on."""
    options = ["--family", family, "--seed", str(seed), "--count", str(count), "--first", str(first)]
    ran = subprocess.run(
        [os.environ[PYTHON], "-B", "-W", "ignore", "-m", "cntk_side", str(destination), *options],
        cwd=HERE,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # CNTK says there what it is about to throw, which the lines on stdout repeat.
        text=True,
        check=True,
        timeout=60 + count * _SECONDS_PER_MODEL,
    )
    lines = [line.split(maxsplit=2) for line in ran.stdout.splitlines()]
    return Generated(
        recorded=tuple(int(line[0]) for line in lines if line[1] == "recorded"),
        refused={int(line[0]): line[2] for line in lines if line[1] == "refused"},
    )


def _environment() -> dict[str, str]:
    libraries = [os.environ.get(LIBRARIES, ""), os.environ.get("LD_LIBRARY_PATH", "")]
    return {
        **os.environ,
        "LD_LIBRARY_PATH": os.pathsep.join(path for path in libraries if path),
        "PYTHONPATH": str(HERE.parents[1] / "golden"),
    }
