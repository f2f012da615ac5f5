"""The shipped networks beside the real CNTK, layer by layer: healthy, and with faults in the converter."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import bridge
from bridge.checking.reference import CntkValues
from bridge.reference.engine import ReferenceEngine
from tests.verify.equivalence.bisection import planted_faults
from tests.verify.equivalence.bisection.planted_faults import Plant
from verify.equivalence.bisection import bisect_case, wanted_variables
from verify.equivalence.bisection.judging import LEFT_OUT
from verify.equivalence.cases import GoldenCase, load_case
from verify.report.document import Bisection, LayerVerdict

pytestmark = [
    pytest.mark.cntk,
    pytest.mark.skipif("BRIDGE_CNTK_PYTHON" not in os.environ, reason="BRIDGE_CNTK_PYTHON names no Python with CNTK"),
]
GOLDEN = Path(__file__).parents[4] / "golden"
NETWORKS = sorted(path.name for path in GOLDEN.iterdir() if (path / "case.json").is_file())


def bisected(case: GoldenCase, folder: Path) -> Bisection:
    converted = bridge.convert(case.model_path(), folder / "model.onnx", outputs=case.output_names()).destination
    values = CntkValues(ReferenceEngine.find(), case, wanted_variables(converted))
    return bisect_case(converted, case, values, folder / "shown")


@pytest.mark.parametrize("network", NETWORKS)
def test_no_layer_of_a_shipped_network_differs(network: str, tmp_path: Path) -> None:
    found = bisected(load_case(GOLDEN / network), tmp_path)
    assert [(layer.node, layer.forced_max_abs) for layer in found.layers if layer.verdict is not LayerVerdict.AGREES] == []
    assert len(found.layers) >= 3


LIVE = (
    ("resnet20", "Convolution", planted_faults.swapped_padding),
    ("resnet20", "BatchNormalization", planted_faults.other_epsilon),
    ("digits_with_heads", "BatchNormalization", planted_faults.other_epsilon),
    ("lstm_tagger", "recurrence", planted_faults.gate_order),
    ("v1_lstm_tagger", "recurrence", planted_faults.gate_order),
    ("transformer_over_static_axis", "Softmax", planted_faults.softmax_of_another_axis),
    ("text_cnn", LEFT_OUT, planted_faults.padded_steps_leak),  # The lowering that leaks does nothing at all.
)


@pytest.mark.parametrize(("network", "operator", "plant"), LIVE)
def test_fault_in_a_shipped_network_is_named(
    network: str, operator: str, plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    found = bisected(load_case(GOLDEN / network), tmp_path)
    assert found.culprit is not None
    assert operator in found.culprit.operator
