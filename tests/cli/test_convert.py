import json
import os
import shutil
from pathlib import Path

import onnx
import pytest

from tests.cli.golden_folders import GOLDEN, LENET, bridge

MODEL = LENET / "model.dnn"
TAGGER = GOLDEN / "lstm_tagger" / "model.dnn"


def test_model_is_converted_to_the_file_named(tmp_path: Path) -> None:
    result = bridge("convert", "--allow-unsigned", MODEL, "-o", tmp_path / "out.onnx")
    assert result.exit_code == 0, result.output
    onnx.checker.check_model(tmp_path / "out.onnx", full_check=True)
    assert "without a verified signature" in result.stdout


def test_model_is_converted_into_the_current_folder_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert bridge("convert", "--allow-unsigned", MODEL).exit_code == 0
    assert (tmp_path / "model.onnx").is_file()


def test_json_tells_what_was_made(tmp_path: Path) -> None:
    result = bridge("convert", "--allow-unsigned", MODEL, "-o", tmp_path / "out.onnx", "--json")
    document = json.loads(result.stdout)
    assert document["exit_code"] == 0
    (made,) = document["models"]
    assert made["status"] == "converted"
    assert made["source_verified"] is False
    assert made["bytes"] == (tmp_path / "out.onnx").stat().st_size
    assert [tensor["name"] for tensor in made["inputs"]] == ["image"]
    assert [tensor["name"] for tensor in made["outputs"]] == ["z"]


def test_result_is_checked_on_golden_cases(tmp_path: Path) -> None:
    result = bridge("convert", "--allow-unsigned", MODEL, "-o", tmp_path / "out.onnx", "--golden", LENET)
    assert result.exit_code == 0, result.output
    assert "converted, agrees" in result.stdout
    assert "1 of 1 cases hold" in result.stdout


def test_result_without_a_golden_case_of_its_own_is_not_called_checked(tmp_path: Path) -> None:
    result = bridge("convert", "--allow-unsigned", MODEL, "-o", tmp_path / "out.onnx", "--golden", TAGGER.parent)
    assert result.exit_code == 2
    assert "converted, not checked" in result.stdout
    assert "no case there was recorded from this model" in result.stderr


def test_folder_is_converted_into_a_folder_and_keeps_its_places(tmp_path: Path) -> None:
    for place in ("a", "b/deeper"):
        (tmp_path / "models" / place).mkdir(parents=True)
        shutil.copy(MODEL, tmp_path / "models" / place / "model.dnn")
    (tmp_path / "models" / "notes.txt").write_text("not a model")
    result = bridge("convert", "--allow-unsigned", tmp_path / "models", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    made = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.onnx"))
    assert made == ["a/model.onnx", "b/deeper/model.onnx"]


def test_one_failure_keeps_no_other_model_from_being_converted(tmp_path: Path) -> None:
    (tmp_path / "broken.dnn").write_bytes(b"noise")
    shutil.copy(MODEL, tmp_path / "sound.dnn")
    result = bridge(
        "convert", "--allow-unsigned", tmp_path / "broken.dnn", tmp_path / "sound.dnn", "-o", tmp_path / "out", "--json"
    )
    assert result.exit_code == 3
    statuses = {Path(made["source"]).name: made["status"] for made in json.loads(result.stdout)["models"]}
    assert statuses == {"broken.dnn": "refused", "sound.dnn": "converted"}
    assert (tmp_path / "out" / "sound.onnx").is_file()
    assert not (tmp_path / "out" / "broken.onnx").exists()
    assert f"bridge: {tmp_path / 'broken.dnn'}: " not in result.stdout


def test_refused_model_is_named_on_standard_error(tmp_path: Path) -> None:
    (tmp_path / "broken.dnn").write_bytes(b"noise")
    result = bridge("convert", "--allow-unsigned", tmp_path / "broken.dnn", "-o", tmp_path / "out.onnx")
    assert result.exit_code == 3
    assert f"bridge: {tmp_path / 'broken.dnn'}: the file is not a CNTK model" in result.stderr
    assert "Traceback" not in result.output


def test_unknown_output_is_bad_usage_and_the_known_ones_are_listed(tmp_path: Path) -> None:
    result = bridge("convert", "--allow-unsigned", MODEL, "-o", tmp_path / "out.onnx", "--output", "nowhere")
    assert result.exit_code == 2
    assert "no output 'nowhere'" in result.stderr
    assert not (tmp_path / "out.onnx").exists()


def test_inner_node_can_be_asked_for(tmp_path: Path) -> None:
    result = bridge("convert", "--allow-unsigned", MODEL, "-o", tmp_path / "out.onnx", "--output", "dense1", "--json")
    assert [tensor["name"] for tensor in json.loads(result.stdout)["models"][0]["outputs"]] == ["dense1"]


def test_existing_result_is_kept_unless_force_is_given(tmp_path: Path) -> None:
    out = tmp_path / "out.onnx"
    out.write_bytes(b"precious")
    result = bridge("convert", "--allow-unsigned", MODEL, "-o", out)
    assert (result.exit_code, out.read_bytes()) == (2, b"precious")
    assert "give --force to overwrite it" in result.stderr
    assert bridge("convert", "--allow-unsigned", MODEL, "-o", out, "--force").exit_code == 0
    assert out.read_bytes() != b"precious"


def test_source_is_never_overwritten_even_by_force(tmp_path: Path) -> None:
    source = tmp_path / "model.dnn"
    shutil.copy(MODEL, source)
    before = source.read_bytes()
    (tmp_path / "link.onnx").symlink_to(source)
    for destination in (source, tmp_path / "link.onnx"):
        result = bridge("convert", "--allow-unsigned", source, "-o", destination, "--force")
        assert (result.exit_code, source.read_bytes() == before) == (2, True)
        assert "would be overwritten" in result.stderr


def test_source_is_never_overwritten_through_a_hard_link(tmp_path: Path) -> None:
    source = tmp_path / "model.dnn"
    shutil.copy(MODEL, source)
    before = source.read_bytes()
    os.link(source, tmp_path / "link.onnx")
    bridge("convert", "--allow-unsigned", source, "-o", tmp_path / "link.onnx", "--force")
    assert source.read_bytes() == before


def test_two_models_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    result = bridge("convert", "--allow-unsigned", MODEL, TAGGER, "-o", tmp_path)
    assert result.exit_code == 2
    assert "would both be written to" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_folder_without_models_is_bad_usage(tmp_path: Path) -> None:
    result = bridge("convert", "--allow-unsigned", tmp_path)
    assert result.exit_code == 2
    assert "holds no model" in result.stderr


def test_file_that_does_not_exist_is_bad_usage(tmp_path: Path) -> None:
    assert bridge("convert", "--allow-unsigned", tmp_path / "absent.dnn").exit_code == 2


def test_several_models_need_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    result = bridge("convert", "--allow-unsigned", MODEL, TAGGER, "-o", tmp_path / "file")
    assert result.exit_code == 2
    assert "several models need a folder" in result.stderr


def test_usage_errors_are_json_too(tmp_path: Path) -> None:
    result = bridge("convert", "--allow-unsigned", tmp_path, "--json")
    assert json.loads(result.stdout)["error"] == "UsageError"


def test_one_hot_input_becomes_indices_and_still_agrees(tmp_path: Path) -> None:
    result = bridge(
        "convert", "--allow-unsigned", TAGGER, "-o", tmp_path / "out.onnx", "--index-inputs", "--golden", TAGGER.parent, "--json"
    )
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["models"][0]["inputs"][0]["dtype"] == "int64"


def test_no_fold_keeps_batch_normalisation_apart_and_computes_the_same(tmp_path: Path) -> None:
    resnet = GOLDEN / "resnet20"
    for flag, normalised in (("--fold", False), ("--no-fold", True)):
        destination = tmp_path / f"resnet{flag}.onnx"
        result = bridge("convert", "--allow-unsigned", resnet / "model.dnn", "-o", destination, "--golden", resnet, flag)
        assert result.exit_code == 0, result.output
        operators = {node.op_type for node in onnx.load(destination).graph.node}
        assert ("BatchNormalization" in operators) is normalised


def test_index_input_takes_one_input_by_name(tmp_path: Path) -> None:
    result = bridge(
        "convert",
        "--allow-unsigned",
        TAGGER,
        "-o",
        tmp_path / "out.onnx",
        "--index-input",
        "words",
        "--golden",
        TAGGER.parent,
        "--json",
    )
    assert result.exit_code == 0, result.output
    (made,) = json.loads(result.stdout)["models"]
    assert [(tensor["name"], tensor["dtype"]) for tensor in made["inputs"]] == [("words", "int64"), ("lengths", "int64")]


def test_index_input_that_the_model_does_not_have_is_bad_usage(tmp_path: Path) -> None:
    result = bridge("convert", "--allow-unsigned", TAGGER, "-o", tmp_path / "out.onnx", "--index-input", "letters")
    assert result.exit_code == 2
    assert "no input 'letters'; the inputs are ['words']" in result.stderr
