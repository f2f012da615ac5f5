import hashlib
import json
from pathlib import Path

import pytest

from bridge.cli.console import printable, size
from tests.cli.golden_folders import LENET, bridge

MODEL = LENET / "model.dnn"


def test_summary_names_format_inputs_outputs_and_operators() -> None:
    result = bridge("inspect", MODEL)
    assert result.exit_code == 0, result.output
    for fact in (
        "CNTK v2",
        "image  float32 [1, 8, 8], dynamic axes defaultBatchAxis",
        "z  Dense",
        "Convolution x2",
        "hazards     none",
    ):
        assert fact in result.stdout


def test_json_holds_the_digest_and_the_weights() -> None:
    document = json.loads(bridge("inspect", MODEL, "--json").stdout)
    assert document["sha256"] == hashlib.sha256(MODEL.read_bytes()).hexdigest()
    assert document["file_bytes"] == MODEL.stat().st_size
    assert document["parameters"] == {"tensors": 8, "elements": 13706, "bytes": 4 * 13706}
    assert document["operators"]["Convolution"] == 2
    assert "nodes" not in document


def test_nodes_are_listed_on_request() -> None:
    document = json.loads(bridge("inspect", MODEL, "--nodes", "--json").stdout)
    assert {"conv1", "dense1", "z"} <= {node["name"] for node in document["nodes"]}
    assert "dense1" in bridge("inspect", MODEL, "--nodes").stdout


def test_file_that_is_no_model_is_refused_without_a_traceback(tmp_path: Path) -> None:
    noise = tmp_path / "noise.dnn"
    noise.write_bytes(b"noise")
    result = bridge("inspect", noise)
    assert result.exit_code == 3
    assert f"bridge: {noise}: the file is not a CNTK model" in result.stderr
    assert "Traceback" not in result.output


def test_refusal_is_json_too(tmp_path: Path) -> None:
    (tmp_path / "noise.dnn").write_bytes(b"noise")
    assert json.loads(bridge("inspect", tmp_path / "noise.dnn", "--json").stdout)["error"] == "NotAModelError"


def test_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.dnn").write_bytes(b"")
    assert bridge("inspect", tmp_path / "empty.dnn").exit_code == 3


def test_folder_is_bad_usage(tmp_path: Path) -> None:
    assert bridge("inspect", tmp_path).exit_code == 2


def test_control_characters_in_names_do_not_reach_the_terminal() -> None:
    assert printable("a\x1b[2Jb\u202ec\nd") == "a\\x1b[2Jb\\u202ec\nd"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (537_000_000, "537.0 MB"), (10**13, "10.0 TB")]
)
def test_sizes_are_shown_in_decimal_units(count: int, text: str) -> None:
    assert size(count) == text
