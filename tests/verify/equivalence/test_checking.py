from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tests.verify import onnx_models
from tests.verify.recorded_case import variable, write_case, write_doubling_case, write_ragged_doubling_case
from verify.equivalence import BackendError, OnnxRuntime, check_case, load_case
from verify.equivalence.assembling import assemble
from verify.report.document import OutputVerdict
from verify.report.terminal import equivalence_table, findings


def test_model_that_computes_the_recorded_values_holds(tmp_path: Path) -> None:
    backend = OnnxRuntime(onnx_models.write_model(tmp_path / "m.onnx", onnx_models.DOUBLING))
    report = check_case(backend, load_case(write_doubling_case(tmp_path / "case")))
    assert report.holds
    assert [output.verdict for output in report.outputs] == [OutputVerdict.AGREES]


def test_model_that_computes_something_else_differs(tmp_path: Path) -> None:
    backend = OnnxRuntime(onnx_models.write_model(tmp_path / "m.onnx", onnx_models.SQUARING))
    report = check_case(backend, load_case(write_doubling_case(tmp_path / "case")))
    assert not report.holds
    assert report.outputs[0].verdict is OutputVerdict.DIFFERS
    assert "got 25, recorded 10" in report.outputs[0].reason


def test_output_of_another_name_is_not_taken_for_the_recorded_one(tmp_path: Path) -> None:
    backend = OnnxRuntime(onnx_models.write_model(tmp_path / "m.onnx", onnx_models.RENAMED))
    report = check_case(backend, load_case(write_doubling_case(tmp_path / "case")))
    assert not report.holds
    assert [(output.name, output.verdict) for output in report.outputs] == [
        ("y", OutputVerdict.MISSING),
        ("z", OutputVerdict.UNRECORDED),
    ]


def test_lengths_of_an_output_are_compared_with_the_recorded_sequences(tmp_path: Path) -> None:
    backend = OnnxRuntime(onnx_models.write_model(tmp_path / "m.onnx", onnx_models.RAGGED_DOUBLING))
    report = check_case(backend, load_case(write_ragged_doubling_case(tmp_path / "case")))
    assert [(output.name, output.verdict) for output in report.outputs] == [
        ("y", OutputVerdict.AGREES),
        ("y_lengths", OutputVerdict.AGREES),
    ]


def test_padded_steps_that_are_not_zero_differ(tmp_path: Path) -> None:
    backend = OnnxRuntime(onnx_models.write_model(tmp_path / "m.onnx", onnx_models.PADDING_LEFT_STANDING))
    report = check_case(backend, load_case(write_ragged_doubling_case(tmp_path / "case")))
    assert report.outputs[0].reason == "sequence 1: the padding after step 1 is not zero"


def test_inputs_that_the_runtime_refuses_fail_the_case(tmp_path: Path) -> None:
    tensors = {"input/0": np.zeros((2, 4), np.float32), "output/0": np.zeros((2, 4), np.float32)}
    case = load_case(write_case(tmp_path / "case", [variable("x", [4])], [variable("y", [4])], tensors))
    report = check_case(OnnxRuntime(onnx_models.write_model(tmp_path / "m.onnx", onnx_models.DOUBLING)), case)
    assert not report.holds
    assert report.error.startswith("onnxruntime does not run it: ")


def test_file_that_is_no_onnx_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "noise.onnx"
    path.write_bytes(b"noise")
    with pytest.raises(BackendError, match=r"noise\.onnx: onnxruntime does not load it"):
        OnnxRuntime(path)


def test_report_without_cases_does_not_hold() -> None:
    assert not assemble(()).holds


def test_report_names_what_differs_and_by_how_much(tmp_path: Path) -> None:
    backend = OnnxRuntime(onnx_models.write_model(tmp_path / "m.onnx", onnx_models.SQUARING))
    report = assemble([check_case(backend, load_case(write_doubling_case(tmp_path / "case")))])
    console = Console(width=200, record=True)
    with console.capture() as captured:
        console.print(equivalence_table(report))
    assert "differs" in captured.get()
    assert "4 of 6" in captured.get()
    assert findings(report)[-1].startswith("0 of 1 cases hold on onnxruntime")


def test_json_report_holds_the_figures_of_the_table(tmp_path: Path) -> None:
    backend = OnnxRuntime(onnx_models.write_model(tmp_path / "m.onnx", onnx_models.SQUARING))
    report = assemble([check_case(backend, load_case(write_doubling_case(tmp_path / "case")))])
    output = report.to_json()["cases"][0]["outputs"][0]
    metrics = output["metrics"]
    assert (output["verdict"], metrics["mismatches"], metrics["max_abs"], metrics["worst_index"]) == ("differs", 4, 15.0, [1, 2])


def test_case_without_one_element_to_compare_is_no_pass(tmp_path: Path) -> None:
    tensors = {"input/0": np.zeros((0, 3), np.float32), "output/0": np.zeros((0, 3), np.float32)}
    case = load_case(write_case(tmp_path / "case", [variable("x", [3])], [variable("y", [3])], tensors))
    report = check_case(OnnxRuntime(onnx_models.write_model(tmp_path / "m.onnx", onnx_models.DOUBLING)), case)
    assert not report.holds
    assert report.error == "nothing was compared: the case records no element of any output"
    assert report.outputs[0].verdict is OutputVerdict.AGREES
