"""The table of operators is the converter's vocabulary: neither more nor less; and all that it writes is admitted."""

from __future__ import annotations

import ast
from pathlib import Path

import onnx
import pytest

import bridge
from bridge.errors import BridgeError, UserCodeError
from bridge.lower.builder import OPSET
from bridge.package.describing import describe_onnx
from bridge.package.interface import ServingLimits
from bridge.runtime.admission.admitting import admit
from bridge.runtime.admission.calls_table import CALLS
from bridge.runtime.admission.checks.operators import CONVERTER_OPERATORS
from bridge.runtime.limits import ModelLimits

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "golden"
SHARED = ROOT.parent / "shared" / "golden-cases"
CASES = sorted(path.parent for path in GOLDEN.rglob("model.dnn"))

NAMES_OF_CNTK = {"Dropout", "Mean", "OneHot", "Sum"}
"""Operators of CNTK that ONNX has by the same name, and that conversion never writes."""


def _admitted(case: Path, folder: Path) -> set[str]:
    """Convert a case and admit it; the operators that it holds."""
    folder.mkdir(parents=True, exist_ok=True)
    result = bridge.convert(case / "model.dnn", folder / "model.onnx")
    interface = describe_onnx(result, {}, ServingLimits())
    beside = {path.name: memoryview(path.read_bytes()) for path in folder.glob("*.data")}
    admitted = admit(memoryview((folder / "model.onnx").read_bytes()), beside, ModelLimits(), interface)
    return {node.operator for node in admitted.parsed.nodes()}


def test_every_operator_of_the_table_is_named_in_the_lowering_and_the_other_way_round() -> None:
    known = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == ""}
    written = {
        constant.value
        for path in (ROOT / "bridge" / "lower").rglob("*.py")
        for constant in ast.walk(ast.parse(path.read_text()))
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
    }
    assert (written & known) - CONVERTER_OPERATORS == NAMES_OF_CNTK
    assert written >= CONVERTER_OPERATORS


def test_every_operator_of_the_table_exists_in_the_operator_set() -> None:
    for operator in CONVERTER_OPERATORS:
        assert onnx.defs.get_schema(operator, OPSET).since_version <= OPSET


def test_calls_are_a_part_of_what_onnx_allows() -> None:
    assert CALLS.keys() == CONVERTER_OPERATORS
    for operator, call in CALLS.items():
        schemas = [onnx.defs.get_schema(operator, opset) for opset in range(*ModelLimits().opsets)]
        assert call.needed >= min(schema.min_input for schema in schemas), operator
        assert call.outputs <= max(schema.max_output for schema in schemas), operator
        for name, values in call.attributes.items():
            found = [schema.attributes[name].type for schema in schemas if name in schema.attributes]
            assert found, f"{operator}.{name}"
            assert set(found) == {onnx.defs.OpSchema.AttrType(values.type)}, f"{operator}.{name}"  # type: ignore[call-arg]


def test_every_golden_conversion_is_admitted(tmp_path: Path) -> None:
    operators: set[str] = set()
    for number, case in enumerate(CASES):
        operators |= _admitted(case, tmp_path / str(number))
    assert len(CASES) > 200
    assert operators <= CONVERTER_OPERATORS


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared golden cases beside the checkout")
def test_every_shared_conversion_is_admitted_and_together_they_need_the_whole_table(tmp_path: Path) -> None:
    operators: set[str] = set()
    refusals = []
    for number, path in enumerate(sorted([*SHARED.rglob("model.dnn"), *GOLDEN.rglob("model.dnn")])):
        try:
            operators |= _admitted(path.parent, tmp_path / str(number))
        except UserCodeError:
            continue
        except BridgeError as error:
            refusals.append(f"{path}: {error}")
    # An extent that CNTK leaves open becomes -1, with which no package can be made.
    assert [refusal for refusal in refusals if "found -1" not in refusal] == []
    assert operators == CONVERTER_OPERATORS


def test_external_weights_of_a_conversion_are_admitted(tmp_path: Path) -> None:
    result = bridge.convert(GOLDEN / "resnet20" / "model.dnn", tmp_path / "model.onnx", external_data_threshold=0)
    assert result.data_path is not None
    beside = {"model.onnx.data": memoryview(result.data_path.read_bytes())}
    interface = describe_onnx(result, {}, ServingLimits())
    admit(memoryview((tmp_path / "model.onnx").read_bytes()), beside, ModelLimits(), interface)
