"""bridge.convert from file to file."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import bridge
from bridge.errors import InvalidOptionError, UnknownOutputError

GOLDEN = Path(__file__).parents[1] / "golden"
TAGGER = GOLDEN / "lstm_tagger" / "model.dnn"
HEADS = GOLDEN / "digits_with_heads" / "model.dnn"
MODELS = sorted(GOLDEN.glob("*/model.dnn"))

CONVERSION = "import sys, bridge; bridge.convert(sys.argv[1], sys.argv[2])"


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.parent.name)
def test_converted_models_pass_the_checker_of_onnx(model: Path, tmp_path: Path) -> None:
    result = bridge.convert(model, tmp_path / "out.onnx")
    onnx.checker.check_model(result.destination, full_check=True)
    graph = onnx.load(result.destination).graph
    assert [tensor.name for tensor in result.inputs] == [value.name for value in graph.input]
    made = session(result.destination)
    assert [(value.name, value.shape) for value in made.get_outputs()] == [
        (port.name, list(port.shape)) for port in result.outputs
    ]
    assert {value.name for value in made.get_inputs()} <= {port.name for port in result.inputs}


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.parent.name)
def test_the_same_file_gives_the_same_bytes(model: Path, tmp_path: Path) -> None:
    first, second = (bridge.convert(model, tmp_path / name) for name in ("first.onnx", "second.onnx"))
    assert first.destination.read_bytes() == second.destination.read_bytes()
    assert first.sha256 == second.sha256 == hashlib.sha256(first.destination.read_bytes()).hexdigest()


@pytest.mark.parametrize("model", [TAGGER, GOLDEN / "attention_translator" / "model.dnn"], ids=lambda path: path.parent.name)
def test_the_same_file_gives_the_same_bytes_in_every_process(model: Path, tmp_path: Path) -> None:
    digests = set()
    for seed in ("0", "1"):
        destination = tmp_path / f"{seed}.onnx"
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[1])}
        subprocess.run([sys.executable, "-c", CONVERSION, model, destination], env=environment, check=True)
        digests.add(hashlib.sha256(destination.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_file_says_where_it_comes_from_and_that_nobody_vouched_for_it(tmp_path: Path) -> None:
    result = bridge.convert(TAGGER, tmp_path / "out.onnx")
    stated = {entry.key: entry.value for entry in onnx.load(result.destination).metadata_props}
    assert stated["cntk_bridge.source.sha256"] == hashlib.sha256(TAGGER.read_bytes()).hexdigest() == result.source_sha256
    assert stated["cntk_bridge.source.verified"] == "false"
    assert stated["cntk_bridge.options.outputs"] == "predictions"
    assert stated["cntk_bridge.options.index_inputs"] == ""
    assert result.source_verified is False
    assert result.source_format == "v2"


def test_options_are_part_of_what_the_file_says(tmp_path: Path) -> None:
    result = bridge.convert(TAGGER, tmp_path / "out.onnx", plain_math=True, fold=False, index_inputs=True)
    stated = {entry.key: entry.value for entry in onnx.load(result.destination).metadata_props}
    assert stated["cntk_bridge.options.plain_math"] == "true"
    assert stated["cntk_bridge.options.fold"] == "false"
    assert stated["cntk_bridge.options.index_inputs"] == "all sparse inputs"


def test_losses_are_left_out_and_the_result_says_which(tmp_path: Path) -> None:
    result = bridge.convert(HEADS, tmp_path / "out.onnx")
    assert result.left_out
    assert all("loss or metric" in left.reason for left in result.left_out)
    wanted = [left.name for left in result.left_out]
    again = bridge.convert(HEADS, tmp_path / "heads.onnx", outputs=wanted)
    assert [port.name for port in again.outputs] == wanted
    assert len(again.inputs) > len(result.inputs)


def test_indices_give_what_one_hot_vectors_give(tmp_path: Path) -> None:
    dense = bridge.convert(TAGGER, tmp_path / "dense.onnx")
    indexed = bridge.convert(TAGGER, tmp_path / "indexed.onnx", index_inputs=True)
    (words,) = [port for port in dense.inputs if port.name != "lengths"]
    (numbers,) = [port for port in indexed.inputs if port.name != "lengths"]
    assert numbers.dtype == "int64"
    size = words.shape[-1]
    assert isinstance(size, int)
    indices = np.random.default_rng(0).integers(0, size, (3, 4))
    vectors = np.eye(size, dtype=np.float32)[indices]
    lengths = np.array([4, 2, 1])
    expected = session(dense.destination).run(None, {words.name: vectors, "lengths": lengths})
    found = session(indexed.destination).run(None, {numbers.name: indices, "lengths": lengths})
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5, atol=1e-6)


def test_unknown_output_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UnknownOutputError, match="no output 'nothing'"):
        bridge.convert(TAGGER, tmp_path / "out.onnx", outputs=["nothing"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"target": "torchscript"}, "target 'torchscript': expected one of onnx"),
        ({"outputs": "z"}, "outputs='z': expected a list of names"),
        ({"index_inputs": "words"}, "index_inputs='words': expected a list of names"),
        ({"index_inputs": ["nothing"]}, "no input 'nothing'; the inputs are"),
    ],
)
def test_option_that_cannot_be_used_is_named(options: dict[str, object], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match=complaint):
        bridge.convert(TAGGER, tmp_path / "out.onnx", **options)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
