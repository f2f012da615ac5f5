"""What a robustness test costs: ``python attack.py`` prints the seconds of the smoke tier, attack by attack.

Two models: the digits network of the golden cases on its own fifty samples, and ResNet-20 on random images that are labelled as
the model itself classifies them, which is as costly as real ones. PyTorch and onnxruntime run on one thread each.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from bridge.attacking import AttackOptions, attack
from bridge.attacking.served import served_file
from bridge.conversion import convert

GOLDEN = Path(__file__).parents[1] / "golden"


def digits(folder: Path) -> tuple[Path, AttackOptions]:
    """The fifty samples that the golden case was recorded on, and their recorded classes."""
    with np.load(GOLDEN / "digits_lenet" / "tensors.npz") as recorded:
        file = folder / "digits.npz"
        np.savez(file, x=recorded["input/0"], y=recorded["output/0"].argmax(axis=1))
    return file, AttackOptions(low=0, high=1, epsilon=0.15)


def resnet(folder: Path, count: int) -> tuple[Path, AttackOptions]:
    """Smooth random images of 0 to 255."""
    model = folder / "resnet20.onnx"
    convert(GOLDEN / "resnet20" / "model.dnn", model)
    random = np.random.default_rng(0)
    coarse = random.uniform(0, 255, (count, 3, 8, 8)).astype(np.float32)
    images = coarse.repeat(4, axis=2).repeat(4, axis=3)
    classes = served_file(model.read_bytes(), model.name).run({"image": images})["z"].argmax(axis=1)
    file = folder / "resnet20.npz"
    np.savez(file, x=images, y=classes)
    return file, AttackOptions(low=0, high=255)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=100, help="images for ResNet-20")
    parser.add_argument("--tier", default="smoke")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, (data, options) in {
            "digits_lenet": digits(folder),
            "resnet20": resnet(folder, arguments.samples),
        }.items():
            begun = time.perf_counter()
            report = attack(GOLDEN / name / "model.dnn", data, replace(options, tier=arguments.tier))
            print(f"{name}: {report.tier} tier, verdict {report.verdict.value}, {time.perf_counter() - begun:.1f} s in all")
            for row in report.results[0].attacks:
                print(f"  {row.name:24} {row.robust.count:4} of {row.robust.total} withstand it {row.seconds:8.1f} s")


if __name__ == "__main__":
    main()
