"""What workers cost, and what they hold against hostile models.

    python benchmarks/isolation.py [--calls 2000]

The first table has the same model in process and in a worker, timed in turns, call by call; figures are medians. The second has
models that admission would refuse: how long beyond its time the caller waited for the error, and how long the next request took.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "runtime" / "isolation" / "hostile")]

from bridge.errors import BridgeError, DeadlineExceeded  # noqa: E402  # From the checkout that the script is part of.
from bridge.package.interface import Bound, Interface, Tensor  # noqa: E402
from bridge.runtime.engine import session_options  # noqa: E402
from bridge.runtime.in_process import InProcessModel  # noqa: E402
from bridge.runtime.isolation.limits import IsolationLimits  # noqa: E402
from bridge.runtime.isolation.model import IsolatedModel  # noqa: E402
from bridge.runtime.limits import RuntimeLimits  # noqa: E402
from bridge.runtime.served import ModelIdentity  # noqa: E402

hostile_models: Any = importlib.import_module("hostile_models")
"""The models that the tests are about."""

LIMITS = RuntimeLimits(intra_op_threads=1)
IDENTITY = ModelIdentity("measured", "1", "0" * 64, "")
IMAGE = 3 * 224 * 224  # 602 KB in float32
TIMEOUT = 0.5


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    options = parser.parse_args()
    print(
        f"{'tensors in and out':22} {'in process':>10} {'isolated':>10} {'more':>10}   microseconds, medians of {options.calls}"
    )
    for shown, extent in (("32 bytes", 8), ("4 KB", 1024), ("602 KB", IMAGE)):
        _compare(shown, extent, options.calls)
    print(f"\n{'hostile model':22} {'error after timeout +':>22} {'next request':>14}   milliseconds, median (worst) of 5")
    for name in ("one_long_operator", "endless_loop", "large_allocation"):
        _deadline(name)
    _load_bomb()


def _interface(width: int) -> Interface:
    return Interface(
        kind="onnx",
        model_files=("model.onnx",),
        inputs=(Tensor("x", "float32", ("N", width)),),
        outputs=(Tensor("y", "float32", ("N", width)),),
        symbols={"N": Bound(1, 64)},
    )


def _compare(shown: str, extent: int, calls: int) -> None:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", extent]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "graph", values[:1], values[1:])
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    session = onnxruntime.InferenceSession(data, session_options(LIMITS), providers=["CPUExecutionProvider"])
    near = InProcessModel(session, _interface(extent), IDENTITY, LIMITS)
    begun = time.perf_counter()
    far = IsolatedModel(memoryview(data), {}, _interface(extent), IDENTITY, LIMITS)
    started = time.perf_counter() - begun
    inputs = {"x": np.ones((1, extent), np.float32)}
    here, there = _interleaved((lambda: near.run(inputs), lambda: far.run(inputs)), calls)
    print(f"{shown:22} {here:10.1f} {there:10.1f} {there - here:10.1f}   (two workers started in {started * 1000:.0f} ms)")
    near.close()
    far.close()


def _interleaved(ways: tuple[Callable[[], Any], ...], calls: int) -> list[float]:
    """The median of each way in microseconds."""
    times: list[list[int]] = [[] for _ in ways]
    for _ in range(calls):
        for way, taken in zip(ways, times, strict=True):
            start = time.perf_counter_ns()
            way()
            taken.append(time.perf_counter_ns() - start)
    return [statistics.median(taken[len(taken) // 10 :]) / 1000 for taken in times]


def _isolated(data: bytes, load_seconds: float = 60) -> IsolatedModel:
    limits = RuntimeLimits(intra_op_threads=1, load_seconds=load_seconds)
    return IsolatedModel(memoryview(data), {}, _interface(4), IDENTITY, limits, IsolationLimits(memory_bytes=2 << 30))


def _deadline(name: str) -> None:
    model = _isolated(getattr(hostile_models, name)())
    errors, successes = [], []
    for _ in range(5):
        begun = time.perf_counter()
        try:
            model.run({"x": np.full((1, 4), -1, np.float32)}, timeout=TIMEOUT)
        except BridgeError as error:
            # A failure before the deadline is no wait beyond it.
            late = time.perf_counter() - begun - (TIMEOUT if isinstance(error, DeadlineExceeded) else 0)
            errors.append(late * 1000)
        begun = time.perf_counter()
        model.run({"x": np.ones((1, 4), np.float32)})
        successes.append((time.perf_counter() - begun) * 1000)
    _print_row(name, errors, successes, str({key: count for key, count in model.counters().items() if count}))
    model.close()


def _load_bomb() -> None:
    errors, successes = [], []
    sound = _isolated(hostile_models.squares())
    for _ in range(5):
        begun = time.perf_counter()
        try:
            _isolated(hostile_models.load_bomb(), TIMEOUT)
        except DeadlineExceeded:
            errors.append((time.perf_counter() - begun - TIMEOUT) * 1000)
        begun = time.perf_counter()
        sound.run({"x": np.ones((1, 4), np.float32)})
        successes.append((time.perf_counter() - begun) * 1000)
    _print_row("load_bomb", errors, successes, "(the next request is to another model)")
    sound.close()


def _print_row(name: str, errors: list[float], successes: list[float], note: str) -> None:
    late = f"{statistics.median(errors):.1f} ({max(errors):.1f})"
    following = f"{statistics.median(successes):.1f} ({max(successes):.1f})"
    print(f"{name:22} {late:>22} {following:>14}   {note}")


if __name__ == "__main__":
    main()
