"""benchmarks/cntk_writer.py: what the benchmark converts is what CNTK would have written."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pytest

import bridge

LAYERS, WIDTH, SEED = 3, 5, 7
X = np.arange(10, dtype=np.float32).reshape(2, WIDTH)

CNTK_EVALUATION = """
import sys
import cntk, numpy
x = numpy.arange(10, dtype=numpy.float32).reshape(2, 5)
numpy.save(sys.argv[2], cntk.load_model(sys.argv[1]).eval(x))
"""


@pytest.fixture
def writer() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "cntk_writer.py"
    spec = importlib.util.spec_from_file_location("cntk_writer", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["cntk_writer"] = module  # Dataclasses look their module up.
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=[False, True], ids=["message", "container"])
def model(request: pytest.FixtureRequest, writer: ModuleType, tmp_path: Path) -> Path:
    path = tmp_path / "model.dnn"
    size = writer.write_dense_model(path, layers=LAYERS, width=WIDTH, seed=SEED, container=request.param)
    assert size == path.stat().st_size
    return path


@pytest.fixture
def expected(writer: ModuleType) -> npt.NDArray[np.float32]:
    y = X
    for layer in range(LAYERS):
        w, b = writer.Weights((WIDTH, WIDTH), (SEED, layer)), writer.Weights((WIDTH,), (SEED, LAYERS + layer))
        y = np.maximum(y @ w.values() + b.values(), 0)
    return y


def test_converted_model_computes_the_layers(model: Path, expected: npt.NDArray[np.float32], tmp_path: Path) -> None:
    bridge.convert(model, tmp_path / "out.onnx")
    (y,) = ort.InferenceSession(tmp_path / "out.onnx").run(None, {"features": X})
    np.testing.assert_allclose(y, expected, rtol=1e-6)


def test_same_seed_gives_the_same_file(writer: ModuleType, model: Path, tmp_path: Path) -> None:
    container = model.read_bytes()[:4] == b"ktnc"
    writer.write_dense_model(tmp_path / "again", layers=LAYERS, width=WIDTH, seed=SEED, container=container)
    assert (tmp_path / "again").read_bytes() == model.read_bytes()


@pytest.mark.cntk
def test_cntk_computes_the_layers(model: Path, expected: npt.NDArray[np.float32], tmp_path: Path) -> None:
    python = os.environ.get("BRIDGE_CNTK_PYTHON")
    if not python:
        pytest.skip("BRIDGE_CNTK_PYTHON is not set")
    environment = {**os.environ, "LD_LIBRARY_PATH": os.environ.get("BRIDGE_CNTK_LIBRARY_PATH", "")}
    command = [python, "-W", "ignore", "-c", CNTK_EVALUATION, str(model), str(tmp_path / "y.npy")]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), expected, rtol=1e-6)
