"""Every golden case of the repository, converted to PyTorch."""

from __future__ import annotations

from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

pytest.importorskip("torch")

import bridge
from tests.targets.pytorch.converted import CASES, GOLDEN
from verify.equivalence.assembling import assemble
from verify.equivalence.backends.pytorch import PyTorch
from verify.equivalence.cases import load_case
from verify.equivalence.checking import check_case
from verify.report.terminal import findings

KNOWN_DIFFERENCES = {
    "operators/relu_of_negative_infinity": "CNTK's float32 ReLU makes NaN of minus infinity, as known of ONNX",
    "operators/forward_backward": "the CTC loss is refused by name, as it is for ONNX",
}


def _parameter(folder: Path) -> ParameterSet:
    name = folder.relative_to(GOLDEN).as_posix()
    reason = KNOWN_DIFFERENCES.get(name)
    return pytest.param(folder, id=name, marks=[pytest.mark.xfail(reason=reason, strict=True)] if reason else [])


@pytest.mark.parametrize("folder", [_parameter(folder) for folder in CASES])
def test_module_computes_what_cntk_computed(folder: Path, tmp_path: Path) -> None:
    case = load_case(folder)
    outputs = [output.description.name or output.description.uid for output in case.outputs]
    bridge.convert(case.model_path(), tmp_path / "module", target="torch", outputs=outputs)
    report = assemble([check_case(PyTorch(tmp_path / "module"), case)])
    assert report.holds, "\n".join(findings(report))
