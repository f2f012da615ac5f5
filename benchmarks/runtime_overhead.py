"""What ``bridge.load`` costs per call: the runtime in process beside a bare ``InferenceSession.run``, on shipped networks.

    python benchmarks/runtime_overhead.py [--calls 3000] [--isolated]

The ways are timed in turns, call by call, in one process, so that all see the same machine; the figures are medians. Bare
is the engine alone with the names of the outputs; checked is ``run(inputs)``; released is ``run(inputs, timeout=...)``, which
changes threads so that its caller is let go on time.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import bridge
from bridge.package.describing import describe_onnx
from bridge.package.interface import Interface, ServingLimits
from bridge.runtime.engine import session_options
from bridge.runtime.limits import RuntimeLimits
from bridge.runtime.served import ServedModel

GOLDEN = Path(__file__).parents[1] / "golden"
NETWORKS = {"LeNet": ("digits_lenet", {"N": 1}), "ResNet-20": ("resnet20", {"N": 1}), "LSTM": ("lstm_tagger", {"N": 1, "T": 20})}
THREADS = 1  # One thread in the engine: more would measure the scheduler.


def main() -> None:
    """Print one line per network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--isolated", action="store_true", help="measure workers in processes of their own as well")
    options = parser.parse_args()
    print(
        f"{'network':10} {'bare':>9} {'checked':>9} {'more':>8} {'':>6} {'released':>9} {'isolated':>9}   microseconds, medians"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, (case, extents) in NETWORKS.items():
            _measure(name, _package(case, Path(folder) / case), extents, options.calls, isolated=options.isolated)


def _package(case: str, folder: Path) -> Path:
    """An unsigned package: what is measured comes after verification."""
    folder.mkdir()
    result = bridge.convert(GOLDEN / case / "model.dnn", folder / "model.onnx")
    (folder / "interface.json").write_bytes(describe_onnx(result, {}, ServingLimits()).to_bytes())
    return folder


def _measure(name: str, package: Path, extents: dict[str, int], calls: int, *, isolated: bool) -> None:
    import onnxruntime

    limits = RuntimeLimits(intra_op_threads=THREADS)
    model = bridge.load(package, allow_unsigned=True, limits=limits)
    inputs = _inputs(model.interface, extents)
    bare = onnxruntime.InferenceSession(
        (package / "model.onnx").read_bytes(), session_options(limits), providers=["CPUExecutionProvider"]
    )
    names = [tensor.name for tensor in model.interface.outputs]
    ways: list[Callable[[], Any]] = [
        lambda: bare.run(names, inputs),
        lambda: model.run(inputs),
        lambda: model.run(inputs, timeout=10.0),
    ]
    workers: list[ServedModel] = []
    if isolated:
        workers.append(bridge.load(package, allow_unsigned=True, limits=limits, isolation="process"))
        ways.append(lambda: workers[0].run(inputs))
    medians = _interleaved(ways, calls)
    more = medians[1] - medians[0]
    shown = f"{medians[3]:9.1f}" if isolated else f"{'-':>9}"
    print(f"{name:10} {medians[0]:9.1f} {medians[1]:9.1f} {more:8.1f} {more / medians[0]:6.1%} {medians[2]:9.1f} {shown}")
    for each in (model, *workers):
        each.close()


def _inputs(interface: Interface, extents: dict[str, int]) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    made: dict[str, Any] = {}
    for tensor in interface.inputs:
        shape = [extent if isinstance(extent, int) else extents[extent] for extent in tensor.shape]
        made[tensor.name] = (
            np.full(shape, extents[tensor.lengths_of], tensor.dtype)
            if tensor.lengths_of
            else rng.standard_normal(shape).astype(tensor.dtype)
        )
    return made


def _interleaved(ways: list[Callable[[], Any]], calls: int) -> list[float]:
    """The median of each way in microseconds."""
    times: list[list[int]] = [[] for _ in ways]
    for _ in range(calls):
        for way, taken in zip(ways, times, strict=True):
            start = time.perf_counter_ns()
            way()
            taken.append(time.perf_counter_ns() - start)
    return [statistics.median(taken[len(taken) // 10 :]) / 1000 for taken in times]


if __name__ == "__main__":
    main()
