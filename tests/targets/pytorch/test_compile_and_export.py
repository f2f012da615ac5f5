"""What PyTorch's own tools make of converted modules: compiled code, exported programs, ONNX; for batches of any size."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch

from tests.targets.pytorch.converted import Converted, converted

FIVE = ["digits_lenet", "resnet20", "conv_autoencoder", "lstm_tagger", "transformer_over_static_axis"]
TOLERANCE = 1e-5
"""Of the greatest value: compilers add float32 products in orders of their own."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::Warning"),  # They warn of their own insides.
]


def larger(made: Converted) -> dict[str, torch.Tensor]:
    """The recorded batch with its first sample once more."""
    return {name: torch.cat([value, value[:1]]) for name, value in made.inputs.items()}


def any_batch(made: Converted) -> dict[str, dict[int, object]]:
    return {name: {0: torch.export.Dim.DYNAMIC} for name in made.inputs}


def check_same(got: dict[str, torch.Tensor], want: dict[str, torch.Tensor]) -> None:
    assert got.keys() == want.keys()
    for name, value in want.items():
        assert got[name].shape == value.shape, name
        assert (got[name] - value).abs().max() <= TOLERANCE * value.abs().max(), name


@pytest.mark.parametrize("case", FIVE)
def test_compiled_module_computes_the_same(case: str, tmp_path: Path) -> None:
    made = converted(case, tmp_path / "module")
    torch.compiler.reset()
    compiled = torch.compile(made.module)
    with torch.no_grad():
        check_same(compiled(**made.inputs), made.module(**made.inputs))


@pytest.mark.parametrize("case", [case for case in FIVE if case != "lstm_tagger"])  # torch.compile leaves nn.LSTM as it is.
def test_compiled_module_is_one_graph(case: str, tmp_path: Path) -> None:
    made = converted(case, tmp_path / "module")
    torch.compiler.reset()
    with torch.no_grad():
        whole = torch.compile(made.module, backend="eager", fullgraph=True)
        check_same(whole(**made.inputs), made.module(**made.inputs))


@pytest.mark.parametrize("case", FIVE)
def test_exported_program_takes_another_batch(case: str, tmp_path: Path) -> None:
    made = converted(case, tmp_path / "module")
    with torch.no_grad():
        program = torch.export.export(made.module, (), made.inputs, dynamic_shapes=any_batch(made))
        check_same(program.module()(**larger(made)), made.module(**larger(made)))


@pytest.mark.parametrize("case", FIVE)
def test_module_goes_back_to_onnx_for_another_batch(case: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    import onnxruntime

    made = converted(case, tmp_path / "module")
    path = tmp_path / "again.onnx"
    with torch.no_grad():
        want = made.module(**larger(made))
        torch.onnx.export(
            made.module, (), str(path), kwargs=made.inputs, dynamic_shapes=any_batch(made), dynamo=True, verbose=False
        )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    given = larger(made)
    values = session.run(None, {port.name: given[port.name].numpy() for port in session.get_inputs()})
    check_same({name: torch.from_numpy(value) for name, value in zip(want, values, strict=True)}, want)


def test_exporting_by_trace_leaves_the_steps_of_a_recurrent_layer_free(tmp_path: Path) -> None:
    import onnxruntime

    made = converted("lstm_tagger", tmp_path / "module")
    path = tmp_path / "again.onnx"
    free = {"words": {0: "N", 1: "T"}, "lengths": {0: "N"}}
    torch.onnx.export(made.module, (made.inputs,), str(path), input_names=list(free), dynamic_axes=free, dynamo=False)
    longer = made.inputs | {"words": torch.cat([made.inputs["words"]] * 2, dim=1)}
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (got,) = session.run(None, {name: value.numpy() for name, value in longer.items()})
    with torch.no_grad():
        check_same({"tags": torch.from_numpy(got)}, made.module(**longer))


def test_torch_export_fixes_the_steps_of_any_lstm() -> None:
    # A fact about PyTorch that docs/torch.md states: when it changes, the page and the tests above can promise more.
    layer, steps = torch.nn.LSTM(3, 4, batch_first=True).eval(), {1: torch.export.Dim.DYNAMIC}
    with pytest.raises(Exception, match="specialized it to be a constant"):
        torch.export.export(layer, (torch.rand(2, 5, 3),), dynamic_shapes=(steps,))
