"""Real v1 files: what CNTK itself wrote, and networks that people trained."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bridge.graph.model import DataType, VariableKind
from bridge.limits import DEFAULT_LIMITS
from bridge.source.detect import detect_format
from bridge.source.v1 import read_v1

SHARED = Path(__file__).parents[4] / "shared" / "golden-cases"
CASES = sorted(
    case.parent
    for folder in ("v1-saved", "legacy-models")
    for case in SHARED.glob(f"{folder}/*/model.dnn")
    if detect_format(memoryview(case.read_bytes()[:8])) == "v1"
)
TYPES = {"float32": DataType.FLOAT, "float64": DataType.DOUBLE}

pytestmark = pytest.mark.skipif(not CASES, reason="the shared golden cases are not here")


def test_there_are_222_recorded_v1_models() -> None:
    assert len(CASES) == 222


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_recorded_model_has_the_inputs_and_outputs_that_cntk_saw(case: Path) -> None:
    data = (case / "model.dnn").read_bytes()
    recorded = json.loads((case / "case.json").read_text())

    model = read_v1(memoryview(data), DEFAULT_LIMITS)

    inputs = {variable.name or uid: variable for uid, variable in model.variables.items() if variable.kind is VariableKind.INPUT}
    for stated in recorded["inputs"]:
        variable = inputs[stated["name"] or stated["uid"]]
        assert variable.shape == tuple(stated["shape"])
        assert variable.data_type is TYPES[stated["dtype"]]
        assert variable.is_sparse is stated["sparse"]
        assert [axis.name for axis in reversed(variable.dynamic_axes)] == stated["dynamic_axes"]
    names = {function.name for function in model.functions.values()} | {leaf.name for leaf in model.variables.values()}
    uids = {uid for function in model.functions.values() for uid in function.outputs} | model.variables.keys()
    for stated in recorded["outputs"]:
        assert stated["name"] in names if stated["name"] else stated["uid"] in uids


@pytest.mark.parametrize("case", [case for case in CASES if case.parent.name == "legacy-models"], ids=lambda case: case.name)
def test_weights_of_a_trained_network_stay_in_the_file(case: Path) -> None:
    data = (case / "model.dnn").read_bytes()
    buffer = np.frombuffer(data, np.uint8)

    model = read_v1(memoryview(data), DEFAULT_LIMITS)

    values = [variable.value.values for variable in model.variables.values() if variable.value is not None]
    copied = [value for value in values if value.size and not np.shares_memory(value, buffer)]
    # Scalars that v1 keeps as numbers, and variances that it keeps inverted.
    assert max((value.size for value in copied), default=0) <= 64
    assert sum(value.nbytes for value in values) > 0.3 * len(data) or len(data) < 2000
