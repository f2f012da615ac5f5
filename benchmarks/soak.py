"""Workers under mixed traffic for a long time: good requests, hostile ones, and somebody who kills workers at random.

    python benchmarks/soak.py [--seconds 600] [--callers 4]

No answer may be wrong, no call may hang, memory has to stay where it is, and the model's own counters have to account for every
request as its callers saw it end.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "runtime" / "isolation" / "hostile")]

from bridge.errors import BridgeError, DeadlineExceeded, ModelFailedError, OverloadedError  # noqa: E402  # From this checkout.
from bridge.package.interface import Bound, Interface, Tensor  # noqa: E402
from bridge.runtime.isolation.limits import IsolationLimits  # noqa: E402
from bridge.runtime.isolation.model import IsolatedModel  # noqa: E402
from bridge.runtime.limits import RuntimeLimits  # noqa: E402
from bridge.runtime.served import ModelIdentity  # noqa: E402

hostile_models: Any = importlib.import_module("hostile_models")
"""The models that the tests are about."""

INTERFACE = Interface(
    kind="onnx",
    model_files=("model.onnx",),
    inputs=(Tensor("x", "float32", ("N", 4)),),
    outputs=(Tensor("y", "float32", ("N", 4)),),
    symbols={"N": Bound(1, 4096)},
)
GOOD_SECONDS, HOSTILE_SECONDS = 30.0, 0.2
OUTCOMES = {DeadlineExceeded: "late", ModelFailedError: "failed", OverloadedError: "overloaded"}
ENDLESS, LONG, LARGE, GOOD = -1.0, -2.0, -3.0, 1.0


@dataclass
class Result:
    """What callers saw. ``memory`` is the resident set of the parent in bytes at a fifth of the time, and at the end."""

    seen: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    longest: float = 0.0
    kills: int = 0
    memory: tuple[int, int] = (0, 0)
    descriptors: tuple[int, int] = (0, 0)
    counters: Mapping[str, int] = field(default_factory=dict)


def soak(seconds: float, callers: int = 4, *, hangs_from: float = 1.0, seed: int = 0) -> Result:
    """Run the traffic for ``seconds``. A call that takes ``hangs_from`` seconds more than its time is a fault."""
    limits = RuntimeLimits(intra_op_threads=1)
    isolation = IsolationLimits(workers=2, spares=1, memory_bytes=2 << 30)
    data = memoryview(hostile_models.mixed())
    model = IsolatedModel(data, {}, INTERFACE, ModelIdentity("mixed", "1", "0" * 64, ""), limits, isolation)
    result = Result()
    lock, stop = threading.Lock(), threading.Event()
    threads = [
        threading.Thread(target=_call, args=(model, result, lock, stop, seed + number, hangs_from)) for number in range(callers)
    ]
    threads.append(threading.Thread(target=_kill, args=(model, result, stop, seed)))
    for thread in threads:
        thread.start()
    time.sleep(seconds / 5)
    early = _resident(), _descriptors()
    time.sleep(seconds * 4 / 5)
    stop.set()
    for thread in threads:
        thread.join(GOOD_SECONDS + 10)
        if thread.is_alive():
            result.faults.append("a caller hangs")
    result.memory, result.descriptors = (early[0], _resident()), (early[1], _descriptors())
    result.counters = model.counters()
    model.close()
    return result


def _call(
    model: IsolatedModel, result: Result, lock: threading.Lock, stop: threading.Event, seed: int, hangs_from: float
) -> None:
    chance = random.Random(seed)  # noqa: S311  # Traffic, not secrets.
    while not stop.is_set():
        kind = chance.choices([GOOD, ENDLESS, LONG, LARGE], [94, 2, 2, 2])[0]
        values = np.full((chance.randint(1, 64), 4), kind if kind < 0 else chance.uniform(1, 9), np.float32)
        timeout = GOOD_SECONDS if kind == GOOD else HOSTILE_SECONDS
        begun = time.monotonic()
        outcome, fault = _one(model, values, timeout, hostile=kind < 0)
        took = time.monotonic() - begun
        with lock:
            result.seen[outcome] += 1
            result.longest = max(result.longest, took - timeout)
            if took > timeout + hangs_from:
                result.faults.append(f"{took:.2f} s for a call of {timeout} s")
            if fault:
                result.faults.append(fault)


def _one(model: IsolatedModel, values: np.ndarray, timeout: float, *, hostile: bool) -> tuple[str, str]:
    """How a call ended, and what is wrong with that."""
    try:
        answer = model.run({"x": values}, timeout=timeout)
    except BridgeError as error:
        # Two kills may meet one request; nothing else excuses a good one.
        excused = hostile or "workers were lost over this request" in str(error)
        return OUTCOMES[type(error)], "" if excused else f"a good request failed: {error}"
    if hostile:
        return "answered", "a hostile request was answered"
    return "answered", "" if np.array_equal(answer["y"], values * values) else "a wrong answer"


def _kill(model: IsolatedModel, result: Result, stop: threading.Event, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # As above.
    while not stop.wait(chance.uniform(0.2, 1.0)):
        processes = model.processes()
        if processes:
            try:
                os.kill(chance.choice(processes), signal.SIGKILL)
            except ProcessLookupError:
                continue
            result.kills += 1


def _resident() -> int:
    return int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def main() -> None:
    """Print what was seen; exit status 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--callers", type=int, default=4)
    options = parser.parse_args()
    result = soak(options.seconds, options.callers)
    print(f"seen by callers   {dict(result.seen)}")
    print(f"counted           {dict(result.counters)}")
    print(f"killed at random  {result.kills}")
    print(f"longest beyond    {result.longest * 1000:.1f} ms")
    print(f"memory            {result.memory[0] / 2**20:.1f} MiB early, {result.memory[1] / 2**20:.1f} MiB at the end")
    print(f"descriptors       {result.descriptors[0]} early, {result.descriptors[1]} at the end")
    print(f"faults            {result.faults[:20]}")
    sys.exit(bool(result.faults))


if __name__ == "__main__":
    main()
