"""What a check costs: the whole process for a small network, and the share of comparing beside inference.

    python benchmarks/check.py [--samples 1000] [--turns 5] [--json]

- ``process``: ``bridge check --golden golden/digits_lenet`` from start to exit, conversion included; goal: under 2 s;
- ``comparing``: ResNet-20 on so many images in one batch; the recorded values are the network's own with noise of a millionth, so
  that every figure has something to compute. The share is the time of the check less that of inference, over the whole; goal:
  under 20 %. Beside it, without a goal, the other end: a toy autoencoder, with hardly any arithmetic for 444 values of an image.

The exit status is 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from turns import ROOT, machine

import bridge
from verify.equivalence import GoldenCase, OnnxRuntime, check_case, load_case
from verify.equivalence.feeding import feeds

PROCESS_GOAL = 2.0
SHARE_GOAL = 0.2
HELD_TO_GOAL = "resnet20"
NETWORKS = (HELD_TO_GOAL, "conv_autoencoder")
PROGRAM = "from bridge.cli import main; main()"


def process_seconds(turns: int) -> list[float]:
    """Wall time of the whole command, in seconds."""
    found = []
    for _ in range(turns):
        started = time.perf_counter()
        command = [sys.executable, "-c", PROGRAM, "check", "--golden", str(ROOT / "golden" / "digits_lenet")]
        subprocess.run(command, check=True, capture_output=True)
        found.append(time.perf_counter() - started)
    return found


def large_case(network: str, backend: OnnxRuntime, samples: int) -> GoldenCase:
    """A network's case with so many images, and with the network's own answers as the recorded ones, a little off."""
    case = load_case(ROOT / "golden" / network)
    rng = np.random.default_rng(3)
    images = rng.random((samples, *case.inputs[0].description.shape), dtype=np.float32)
    case = dataclasses.replace(case, inputs=tuple(dataclasses.replace(item, value=images) for item in case.inputs))
    results = backend.run(feeds(case, backend.inputs))
    noisy = [
        values.astype(np.float32) * (1 + 1e-6 * rng.normal(size=values.shape)).astype(np.float32) for values in results.values()
    ]
    outputs = tuple(dataclasses.replace(item, value=value) for item, value in zip(case.outputs, noisy, strict=True))
    return dataclasses.replace(case, outputs=outputs)


def comparing(network: str, samples: int, turns: int) -> tuple[float, float]:
    """Medians of the seconds of inference and of everything else."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "model.onnx"
        source = ROOT / "golden" / network
        bridge.convert(source / "model.dnn", path, outputs=load_case(source).output_names())
        backend = OnnxRuntime(path)
        case = large_case(network, backend, samples)
        inference, rest = [], []
        for _ in range(turns):
            started = time.perf_counter()
            report = check_case(backend, case)
            whole = time.perf_counter() - started
            if not report.holds:
                sys.exit(f"the case does not hold: {report.error or report.outputs[0].reason}")
            inference.append(report.seconds)
            rest.append(whole - report.seconds)
    return median(inference), median(rest)


def main() -> int:
    """Measure, print, and judge by the goals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    processes = process_seconds(options.turns)
    found = {network: comparing(network, options.samples, options.turns) for network in NETWORKS}
    shares = {network: rest / (inference + rest) for network, (inference, rest) in found.items()}
    figures = {
        "machine": machine(),
        "process_seconds": {"median": median(processes), "least": min(processes)},
        "samples": options.samples,
        "comparing": {
            network: {"inference_seconds": inference, "comparing_seconds": rest, "share": shares[network]}
            for network, (inference, rest) in found.items()
        },
    }
    if options.json:
        print(json.dumps(figures, indent=1))
    else:
        print(", ".join(f"{name} {value}" for name, value in machine().items()))
        print(f"bridge check of digits_lenet, whole process: {median(processes):.2f} s (least {min(processes):.2f} s)")
        for network, (inference, rest) in found.items():
            share = f"{shares[network]:.1%}"
            print(f"{network}, {options.samples} samples: inference {inference:.3f} s, comparing {rest:.3f} s, {share}")
    return int(median(processes) >= PROCESS_GOAL or shares[HELD_TO_GOAL] >= SHARE_GOAL)


if __name__ == "__main__":
    sys.exit(main())
