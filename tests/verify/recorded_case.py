"""A small golden case as a folder, for tests to damage."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

Tensors = Mapping[str, npt.NDArray[np.generic]]


def variable(name: str, shape: list[int], *, sequences: int | None = None, **changes: Any) -> dict[str, Any]:
    axes = ["defaultBatchAxis"] if sequences is None else ["defaultBatchAxis", "defaultDynamicAxis"]
    entry: dict[str, Any] = {"name": name, "uid": f"uid_{name}", "shape": shape, "dtype": "float32", "dynamic_axes": axes}
    entry["sparse"] = False
    if sequences is not None:
        entry["sequences"] = sequences
    return entry | changes


def write_case(
    folder: Path,
    inputs: list[dict[str, Any]],
    outputs: list[dict[str, Any]],
    tensors: Tensors,
    changes: Mapping[str, Any] = MappingProxyType({}),
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    model = b"not a model, but the one that was recorded"
    (folder / "model.dnn").write_bytes(model)
    np.savez(folder / "tensors.npz", allow_pickle=False, **dict(tensors))
    document = {
        "format": "golden-case/1",
        "model": "model.dnn",
        "model_sha256": hashlib.sha256(model).hexdigest(),
        "inputs": inputs,
        "outputs": outputs,
        "expect": "match",
    }
    (folder / "case.json").write_text(json.dumps(document | dict(changes)))
    return folder


def write_doubling_case(folder: Path, **changes: Any) -> Path:
    """Input x, output y = 2x, a batch of two vectors of three."""
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    return write_case(folder, [variable("x", [3])], [variable("y", [3])], {"input/0": x, "output/0": 2 * x}, changes)


def write_ragged_doubling_case(folder: Path) -> Path:
    """Input x, output y = 2x, sequences of two and of one step of vectors of three."""
    first = np.arange(1, 7, dtype=np.float32).reshape(2, 3)
    second = np.full((1, 3), 7, dtype=np.float32)
    tensors = {"input/0/0": first, "input/0/1": second, "output/0/0": 2 * first, "output/0/1": 2 * second}
    return write_case(folder, [variable("x", [3], sequences=2)], [variable("y", [3], sequences=2)], tensors)
