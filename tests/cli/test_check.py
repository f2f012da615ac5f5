import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.cli.golden_folders import GOLDEN, LENET, bridge


@pytest.fixture
def converted(tmp_path: Path) -> Path:
    path = tmp_path / "lenet.onnx"
    assert bridge("convert", LENET / "model.dnn", "-o", path).exit_code == 0
    return path


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
