import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from bridge.conversion import convert
from tests.cli.golden_folders import GOLDEN, LENET, bridge


@pytest.fixture
def converted(tmp_path: Path) -> Path:
    return convert(LENET / "model.dnn", tmp_path / "lenet.onnx").destination


@pytest.fixture
def tampered_case(tmp_path: Path) -> Path:
    """LeNet's case with one of the recorded values changed."""
    folder = tmp_path / "tampered"
    shutil.copytree(LENET, folder)
    with np.load(folder / "tensors.npz") as archive:
        tensors = dict(archive)
    tensors["output/0"] = tensors["output/0"].copy()
    tensors["output/0"][1, 3] += 1
    np.savez(folder / "tensors.npz", allow_pickle=False, **tensors)
    return folder


def test_converted_model_that_agrees_exits_with_0(converted: Path) -> None:
    result = bridge("check", converted, "--golden", LENET)
    assert result.exit_code == 0, result.output
    assert "agrees" in result.stdout
    assert "1 of 1 cases hold" in result.stdout


def test_difference_exits_with_1_and_says_where(converted: Path, tampered_case: Path) -> None:
    result = bridge("check", converted, "--golden", tampered_case)
    assert result.exit_code == 1
    assert "differs" in result.stdout
    assert "the worst at [1, 3]" in result.stdout


def test_json_tells_every_figure(converted: Path, tampered_case: Path) -> None:
    result = bridge("check", converted, "--golden", tampered_case, "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert (document["holds"], document["verdict"], len(document["cases"])) == (False, "different", 1)
    (output,) = document["cases"][0]["outputs"]
    assert (output["name"], output["metrics"]["mismatches"], output["metrics"]["worst_index"]) == ("z", 1, [1, 3])


def test_of_a_folder_of_cases_those_of_the_model_are_taken(converted: Path) -> None:
    result = bridge("check", converted, "--golden", GOLDEN, "--json")
    assert [case["case"] for case in json.loads(result.stdout)["cases"]] == ["digits_lenet"]


def test_case_of_another_model_is_bad_usage(converted: Path) -> None:
    result = bridge("check", converted, "--golden", GOLDEN / "lstm_tagger")
    assert result.exit_code == 2
    assert "no case there was recorded from this model" in result.stderr


def test_cntk_model_is_converted_first() -> None:
    result = bridge("check", LENET / "model.dnn", "--golden", LENET)
    assert result.exit_code == 0, result.output


def test_without_a_model_each_case_is_checked_on_its_own() -> None:
    result = bridge("check", "--golden", LENET)
    assert result.exit_code == 0, result.output


def test_folder_without_cases_is_bad_usage(converted: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert bridge("check", converted, "--golden", tmp_path / "empty").exit_code == 2


def test_file_that_is_no_onnx_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "noise.onnx").write_bytes(b"noise")
    result = bridge("check", tmp_path / "noise.onnx", "--golden", LENET)
    assert result.exit_code == 3
    assert "onnxruntime does not load it" in result.stderr
    assert "Traceback" not in result.output


def test_golden_folder_has_to_be_named(converted: Path) -> None:
    assert bridge("check", converted).exit_code == 2


def test_backends_are_listed_with_the_reason_why_one_is_not_there() -> None:
    result = bridge("check", "--backends")
    assert result.exit_code == 0
    assert "onnxruntime-cpu" in result.stdout
    assert "pytorch-cuda-tf32" in result.stdout


def test_every_backend_asked_for_has_its_row(converted: Path) -> None:
    result = bridge("check", converted, "--golden", LENET, "--backend", "onnxruntime-cpu", "--backend", "onnx-reference")
    assert result.exit_code == 0, result.output
    assert "2 of 2 cases hold on onnx-reference, onnxruntime-cpu" in result.stdout


def test_backend_that_is_none_is_bad_usage(converted: Path) -> None:
    result = bridge("check", converted, "--golden", LENET, "--backend", "tensorrt")
    assert result.exit_code == 2
    assert "no backend 'tensorrt'" in result.stderr


def test_reports_of_all_forms_are_written(converted: Path, tmp_path: Path) -> None:
    assert bridge("check", converted, "--golden", LENET, "--report", tmp_path / "report").exit_code == 0
    written = {path.name for path in (tmp_path / "report").iterdir()}
    assert written == {"report.html", "report.json", "report.md", "report.sarif", "report.xml"}
    assert json.loads((tmp_path / "report" / "report.json").read_text())["verdict"] == "equivalent"


def write_waiver(path: Path, **changes: str) -> Path:
    waiver = {"case": "*", "output": "z", "rtol": 1.0, "atol": 1e-3, "reason": "planted by a test", "expires": "2999-12-31"}
    path.write_text(json.dumps({"format": "waivers/1", "waivers": [waiver | changes]}))
    return path


def test_waived_difference_exits_with_0_and_is_told(converted: Path, tampered_case: Path, tmp_path: Path) -> None:
    waivers = write_waiver(tmp_path / "waivers.json")
    result = bridge("check", converted, "--golden", tampered_case, "--waivers", waivers)
    assert result.exit_code == 0, result.output
    assert "waived until 2999-12-31: planted by a test" in result.stdout


@pytest.mark.parametrize("change", [{"expires": "2020-01-01"}, {"reason": ""}])
def test_expired_or_unfounded_waiver_is_refused(converted: Path, tmp_path: Path, change: dict[str, str]) -> None:
    result = bridge("check", converted, "--golden", LENET, "--waivers", write_waiver(tmp_path / "waivers.json", **change))
    assert result.exit_code == 3
    assert "waivers" in result.stderr


def test_narrower_tolerance_can_fail_a_check(converted: Path) -> None:
    result = bridge("check", converted, "--golden", LENET, "--tolerance", "z=1e-9,1e-9")
    assert result.exit_code == 1
    assert bridge("check", converted, "--golden", LENET, "--tolerance", "z=1,1").exit_code == 2


def test_determinism_and_referee_are_shown(converted: Path) -> None:
    result = bridge("check", converted, "--golden", LENET, "--determinism", "--referee", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert len(document["determinism"]) == 4
    assert document["cases"][0]["outputs"][0]["referee"]["nearer"] in {"ours", "reference", "equal"}
    assert "Determinism" in bridge("check", converted, "--golden", LENET, "--determinism").stdout


def test_first_operator_that_differs_is_told(tampered_case: Path) -> None:
    result = bridge("check", "--golden", tampered_case, "--bisect")
    assert result.exit_code == 1
    assert "the first operator that differs is" in result.stdout


def test_an_edited_file_is_held_against_a_conversion_of_today(converted: Path, tmp_path: Path) -> None:
    edited = onnx.load(converted)
    second = [node for node in edited.graph.node if node.op_type == "Conv"][1]
    (pads,) = (attribute for attribute in second.attribute if attribute.name == "pads")
    pads.ints[:] = [2, 2, 0, 0]
    onnx.save(edited, tmp_path / "edited.onnx")
    result = bridge("check", tmp_path / "edited.onnx", "--golden", LENET, "--bisect", "--json")
    (found,) = json.loads(result.stdout)["bisections"]
    assert result.exit_code == 1
    assert second.name in next(layer for layer in found["layers"] if layer["index"] == found["first_divergence"])["onnx_nodes"]


def test_tolerance_for_an_output_that_is_none_is_bad_usage(converted: Path) -> None:
    result = bridge("check", converted, "--golden", LENET, "--tolerance", "Z=1e-6,1e-8")
    assert result.exit_code == 2
    assert "no output has that name, only 'z'" in result.stderr


def test_report_that_cannot_be_written_is_told_before_the_check(converted: Path, tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    result = bridge("check", converted, "--golden", LENET, "--report", tmp_path)
    assert result.exit_code == 2
    assert "agrees" not in result.output
    assert result.stderr.startswith("bridge: cannot write")
