"""benchmarks/direct_lstm.py: what converted models are measured against computes what CNTK computed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import onnxruntime
import pytest

ROOT = Path(__file__).parents[2]
TAGGER = ROOT / "golden" / "lstm_tagger"


@pytest.fixture
def direct_lstm() -> ModuleType:
    spec = importlib.util.spec_from_file_location("direct_lstm", ROOT / "benchmarks" / "direct_lstm.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["direct_lstm"] = module  # Dataclasses look their module up.
    spec.loader.exec_module(module)
    return module


def test_model_around_the_operator_gives_what_cntk_gave(direct_lstm: ModuleType, tmp_path: Path) -> None:
    network = direct_lstm.read_tagger(TAGGER / "model.dnn")
    network.write(tmp_path / "direct.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "direct.onnx", providers=["CPUExecutionProvider"])
    recorded = np.load(TAGGER / "tensors.npz")
    for sequence in range(5):
        words, tags = (recorded[f"{kind}/0/{sequence}"] for kind in ("input", "output"))
        (answer,) = session.run(None, network.feed(words[np.newaxis]))
        np.testing.assert_allclose(answer.swapaxes(0, 1)[0], tags, rtol=1e-4, atol=1e-6)
