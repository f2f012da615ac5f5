"""Measures programs that do the same work beside each other, in turns, so that what else the machine does meets all of them."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import bridge  # noqa: E402  # From the checkout that the benchmarks are part of, in the scripts that import this as well.

Timer = Callable[[int], list[float]]
"""Makes a number of runs and gives the seconds of each."""
Feed = Mapping[str, npt.NDArray[np.generic]]

OWN = 0
"""A number of threads that means: as many as the engine takes of itself."""
TURNS = 10


def medians(timers: Mapping[str, Timer], seconds: float) -> dict[str, float]:
    """The median run of each, in seconds. They take turns, each for ``seconds`` in all; the first runs warm up."""
    runs = {}
    for engine, timer in timers.items():
        timer(3)
        runs[engine] = max(1, int(seconds / TURNS / statistics.median(timer(5))))
    measured: dict[str, list[float]] = {engine: [] for engine in timers}
    for _ in range(TURNS):
        for engine, timer in timers.items():
            measured[engine] += timer(runs[engine])
    return {engine: statistics.median(seconds_of_runs) for engine, seconds_of_runs in measured.items()}


def session_timer(session: onnxruntime.InferenceSession, feeds: Sequence[Feed]) -> Timer:
    """A run is one call for each of ``feeds``."""

    def run_and_time(runs: int) -> list[float]:
        seconds = []
        for _ in range(runs):
            started = time.perf_counter()
            for feed in feeds:
                session.run(None, feed)
            seconds.append(time.perf_counter() - started)
        return seconds

    return run_and_time


def open_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    """The ONNX file in onnxruntime, with so many threads within an operator and one between operators, or its own choice."""
    options = onnxruntime.SessionOptions()
    if threads != OWN:
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
    options.log_severity_level = 3  # CNTK's export makes every weight an input, and onnxruntime warns of each.
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@contextmanager
def confined_to(processors: int) -> Iterator[None]:
    """Keep this process, and those it starts meanwhile, on so many processors, or on all there are for ``OWN``."""
    allowed = os.sched_getaffinity(0)
    processors = len(allowed) if processors == OWN else processors
    if processors > len(allowed):
        raise SystemExit(f"{processors} threads asked for, and {len(allowed)} processors are there")
    os.sched_setaffinity(0, sorted(allowed)[:processors])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def relative_difference(got: npt.NDArray[np.float32], want: npt.NDArray[np.float32]) -> float:
    """The greatest difference, relative to the greatest value wanted. The shapes must agree."""
    if got.shape != want.shape:
        raise SystemExit(f"the converted model answers {got.shape}, {want.shape} was expected")
    return float(np.abs(got - want).max() / np.abs(want).max())


def machine() -> dict[str, str]:
    """What the figures depend on; ``load`` is how many processes wanted to run during the last minute, ours included."""
    return {
        "processors": str(len(os.sched_getaffinity(0))),
        "load": f"{os.getloadavg()[0]:.1f}",
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "onnxruntime": onnxruntime.__version__,
        "bridge": bridge.__version__,
    }


def milliseconds(seconds: float | None) -> str:
    """For a table; "-" for what was not measured."""
    return "-" if seconds is None else f"{seconds * 1e3:.3f}"
