"""torch.compile, torch.export and the way back to ONNX."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch

from tests.targets.pytorch.converted import Converted, converted

FIVE = ["digits_lenet", "resnet20", "lstm_tagger", "wide_and_deep", "transformer_over_sequence"]
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def _agree(got: dict[str, torch.Tensor], made: Converted) -> None:
    with torch.no_grad():
        want = made.module(**made.inputs)
    assert got.keys() == want.keys()
    for name, value in want.items():
        torch.testing.assert_close(got[name], value, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("case", FIVE)
def test_module_compiles(case: str, tmp_path: Path) -> None:
    made = converted(case, tmp_path / "module")
    with torch.no_grad():
        _agree(torch.compile(made.module, backend="aot_eager")(**made.inputs), made)


@pytest.mark.parametrize("case", FIVE)
def test_module_is_exported(case: str, tmp_path: Path) -> None:
    made = converted(case, tmp_path / "module")
    program = torch.export.export(made.module, (), made.inputs, strict=False)
    _agree(program.module()(**made.inputs), made)


@pytest.mark.parametrize("case", FIVE)
def test_module_goes_back_to_onnx(case: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    import onnxruntime

    made = converted(case, tmp_path / "module")
    path = tmp_path / "again.onnx"
    torch.onnx.export(made.module, (), str(path), kwargs=made.inputs, dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feed = {given.name: made.inputs[given.name].numpy() for given in session.get_inputs()}
    names = list(made.module(**made.inputs))
    values = session.run(None, feed)
    _agree({name: torch.from_numpy(value) for name, value in zip(names, values, strict=True)}, made)
