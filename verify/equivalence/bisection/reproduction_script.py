"""The script beside a written subgraph. It holds nothing of the model: not a name, not a number."""

from typing import Final

SCRIPT: Final = '''"""Runs layer.onnx on the values in layer.npz and compares what it makes with what CNTK made of them.

Needs numpy and onnxruntime. Ends with 0 where the two agree, with 1 where they differ.
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime

HERE = Path(__file__).resolve().parent


def aligned(made, like):
    """The result without or with dimensions of 1, repeated along those: they mean the same."""
    if [d for d in made.shape if d != 1] == [d for d in like.shape if d != 1]:
        return made.reshape(like.shape)
    try:
        return np.broadcast_to(made, like.shape)
    except ValueError:
        return made


def main():
    with np.load(HERE / "layer.npz", allow_pickle=False) as stored:
        tensors = {name: stored[name] for name in stored.files}
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(str(HERE / "layer.onnx"), options, providers=["CPUExecutionProvider"])
        print(session.get_modelmeta().description)
        feeds = {port.name: tensors[f"input/{k}"] for k, port in enumerate(session.get_inputs())}
        made = session.run(None, feeds)[0]
    except Exception as error:  # Its exceptions share no other base.
        print(f"DIFFERS: onnxruntime does not run it: {str(error).splitlines()[0]}")
        return 1
    expected, allowed = tensors["expected"], tensors["allowed"]
    made = aligned(made, expected)
    if made.shape != expected.shape or made.dtype != expected.dtype:
        print(f"DIFFERS: {made.dtype} {list(made.shape)}, CNTK's {expected.dtype} {list(expected.shape)}")
        return 1
    ours, theirs = made.astype(np.float64), expected.astype(np.float64)
    with np.errstate(invalid="ignore"):
        error = np.where((ours == theirs) | (np.isnan(ours) & np.isnan(theirs)), 0.0, np.abs(ours - theirs))
    error = np.where(np.isnan(error), np.inf, error)
    with np.errstate(invalid="ignore"):
        excess = np.where(np.isinf(np.broadcast_to(allowed, error.shape)), -np.inf, error - allowed)
    worst = np.unravel_index(int(excess.argmax()), excess.shape)
    place = [int(i) for i in worst]
    differs = bool((excess > 0).any())
    bound = float(np.broadcast_to(allowed, error.shape)[worst])
    print(f"{'DIFFERS' if differs else 'agrees'}: error {error[worst]:.6g} at {place}, allowed {bound:.6g}; "
          f"got {ours[worst]:.9g}, CNTK {theirs[worst]:.9g}; {int((excess > 0).sum())} of {excess.size} values differ")
    return 1 if differs else 0


if __name__ == "__main__":
    sys.exit(main())
'''
