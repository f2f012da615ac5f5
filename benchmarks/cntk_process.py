"""CNTK 2.7 as the benchmarks use it: in its own Python 3.6, asked in JSON lines; cntk_infer.py is the other side."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from turns import OWN, Timer


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that name CNTK's interpreter and libraries: ``cntk_python`` and ``cntk_library_path``."""
    parser.add_argument("--cntk-python", default=os.environ.get("BRIDGE_CNTK_PYTHON", ""), metavar="PATH")
    parser.add_argument("--cntk-library-path", default=os.environ.get("BRIDGE_CNTK_LIBRARY_PATH", ""), metavar="DIR")


class CntkProcess:
    """A running CNTK that holds one model. ``threads`` is ``OWN`` for as many as it takes of itself."""

    def __init__(self, python: str, library_path: str, threads: int) -> None:
        inherited = os.environ.get("LD_LIBRARY_PATH", "")
        environment = dict(os.environ, LD_LIBRARY_PATH=os.pathsep.join(part for part in (library_path, inherited) if part))
        if threads != OWN:
            environment.update(OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
        environment.pop("PYTHONPATH", None)
        self._process = subprocess.Popen(
            [python, "-B", "-W", "ignore", str(Path(__file__).with_name("cntk_infer.py")), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to one request. Raises RuntimeError with what CNTK wrote when there is none."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            _, complaint = self._process.communicate()
            raise RuntimeError(f"CNTK ended while asked to {request['do']}:\n{complaint[-2000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def timer(self) -> Timer:
        """Runs of the input that was fed last."""
        return lambda runs: [float(seconds) for seconds in self.ask(do="time", runs=runs)["seconds"]]

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
