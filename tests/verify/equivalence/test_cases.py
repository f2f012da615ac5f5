import io
import json
import os
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.errors import InvalidGoldenCaseError
from tests.verify.recorded_case import variable, write_case, write_doubling_case, write_ragged_doubling_case
from verify.equivalence.cases import find_cases, load_case


def test_case_is_loaded_with_its_tensors(tmp_path: Path) -> None:
    case = load_case(write_doubling_case(tmp_path / "doubling"))
    assert case.name == "doubling"
    assert case.output_names() == ("y",)
    assert isinstance(case.outputs[0].value, np.ndarray)
    np.testing.assert_array_equal(case.outputs[0].value, [[0, 2, 4], [6, 8, 10]])
    assert case.model_path() == tmp_path / "doubling" / "model.dnn"


def test_second_output_of_a_name_is_asked_for_by_its_uid(tmp_path: Path) -> None:
    outputs = [{**variable("y", [3]), "uid": uid} for uid in ("First_0", "Second_0")]
    value = np.zeros((2, 3), np.float32)
    folder = write_case(tmp_path, [variable("x", [3])], outputs, {"input/0": value, "output/0": value, "output/1": value})
    assert load_case(folder).output_names() == ("y", "Second_0")


def test_ragged_case_is_loaded_one_array_per_sequence(tmp_path: Path) -> None:
    case = load_case(write_ragged_doubling_case(tmp_path))
    assert [len(sequence) for sequence in case.inputs[0].value] == [2, 1]


def test_column_major_tensor_is_loaded_as_it_was_meant(tmp_path: Path) -> None:
    x = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    folder = write_case(tmp_path, [variable("x", [3])], [], {"input/0": x})
    np.testing.assert_array_equal(np.asarray(load_case(folder).inputs[0].value), x)


def test_other_model_than_the_recorded_one_is_refused(tmp_path: Path) -> None:
    case = load_case(write_doubling_case(tmp_path))
    (tmp_path / "model.dnn").write_bytes(b"another model")
    with pytest.raises(InvalidGoldenCaseError, match="not the recorded model: expected SHA-256"):
        case.model_path()


def test_missing_model_is_refused(tmp_path: Path) -> None:
    case = load_case(write_doubling_case(tmp_path))
    (tmp_path / "model.dnn").unlink()
    with pytest.raises(InvalidGoldenCaseError, match=r"model\.dnn: cannot be read"):
        case.model_path()


def test_cases_below_a_folder_are_found_in_order(tmp_path: Path) -> None:
    for name in ("b", "a/nested"):
        write_doubling_case(tmp_path / name)
    assert [path.relative_to(tmp_path).as_posix() for path in find_cases(tmp_path)] == ["a/nested", "b"]


def test_folder_without_a_case_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidGoldenCaseError, match="no golden case"):
        find_cases(tmp_path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format": "golden-case/9"}, "case.json.format: expected 'golden-case/1', found 'golden-case/9'"),
        ({"expect": "perhaps"}, "case.json.expect: expected 'match' or 'refuse'"),
        ({"model": "../model.dnn"}, "case.json.model: expected the name of a file in the case's own folder"),
        ({"model": 7}, "case.json.model: expected text, found int"),
        ({"inputs": {}}, "case.json.inputs: expected a list, found dict"),
        ({"outputs": ["y"]}, "case.json.outputs[0]: expected an object, found str"),
        ({"outputs": [variable("y", [3], dtype="object")]}, "case.json.outputs[0].dtype: expected one of"),
        ({"outputs": [variable("y", [3], sequences=-1)]}, "case.json.outputs[0].sequences: expected 1 to"),
        ({"outputs": [variable("y", [3], sequences=True)]}, "case.json.outputs[0].sequences: expected an integer, found bool"),
        ({"outputs": [variable("y", [3], sparse="no")]}, "case.json.outputs[0].sparse: expected true or false"),
        ({"outputs": [variable("y", [3]) | {"shape": ["3"]}]}, "case.json.outputs[0].shape[0]: expected an integer"),
        ({"outputs": [variable("y", [3] * 33)]}, "case.json.outputs[0].shape: expected at most 32 dimensions"),
        ({"outputs": [variable("y", [3], dynamic_axes=["a", "b", "c"])]}, "case.json.outputs[0].dynamic_axes: expected none"),
        ({"outputs": [variable("y", [3], dtype="float64")]}, "tensor 'output/0' of y: expected float64, found float32"),
        ({"outputs": [variable("y", [3])] * 2}, "no tensor 'output/1', though case.json promises it"),
    ],
)
def test_wrong_field_is_named_with_its_path(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    folder = write_doubling_case(tmp_path, **changes)
    with pytest.raises(InvalidGoldenCaseError, match=re.escape(sentence)):
        load_case(folder)


def test_missing_field_is_named(tmp_path: Path) -> None:
    folder = write_doubling_case(tmp_path)
    document = json.loads((folder / "case.json").read_text())
    del document["model_sha256"]
    (folder / "case.json").write_text(json.dumps(document))
    with pytest.raises(InvalidGoldenCaseError, match=r"case\.json\.model_sha256: missing"):
        load_case(folder)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\xff"])
def test_description_that_is_not_json_is_refused(tmp_path: Path, text: str) -> None:
    folder = write_doubling_case(tmp_path)
    (folder / "case.json").write_text(text, encoding="latin-1")
    with pytest.raises(InvalidGoldenCaseError, match=r"not JSON|nested too deeply|not UTF-8"):
        load_case(folder)


def replace_tensor(folder: Path, name: str, content: bytes) -> None:
    with zipfile.ZipFile(folder / "tensors.npz", "w") as archive:
        archive.writestr(f"{name}.npy", content)


def test_pickle_in_a_tensor_is_refused_and_not_run(tmp_path: Path) -> None:
    folder = write_doubling_case(tmp_path)
    trace = tmp_path / "was-run"

    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (trace,))

    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": (1,)})
    replace_tensor(folder, "input/0", header.getvalue() + pickle.dumps(Payload()))
    with pytest.raises(InvalidGoldenCaseError, match="expected numbers"):
        load_case(folder)
    assert not trace.exists()


def test_tensor_that_claims_more_than_is_stored_is_refused_before_it_is_allocated(tmp_path: Path) -> None:
    folder = write_doubling_case(tmp_path)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 50,)})
    replace_tensor(folder, "input/0", header.getvalue() + bytes(8))
    with pytest.raises(InvalidGoldenCaseError, match=f"needs {4 << 50} bytes, 8 are stored"):
        load_case(folder)


@pytest.mark.parametrize("content", [b"", b"no npy file", b"\x93NUMPY\x09\x00", b"\x93NUMPY\x01\x00\x10\x00{'descr': boom()"])
def test_tensor_with_a_broken_header_is_refused(tmp_path: Path, content: bytes) -> None:
    folder = write_doubling_case(tmp_path)
    replace_tensor(folder, "input/0", content)
    with pytest.raises(InvalidGoldenCaseError, match="tensor 'input/0' cannot be read"):
        load_case(folder)


def test_archive_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    folder = write_doubling_case(tmp_path)
    (folder / "tensors.npz").write_bytes(b"PK, or so it says")
    with pytest.raises(InvalidGoldenCaseError, match=r"not a readable \.npz archive"):
        load_case(folder)


def test_sequences_whose_steps_differ_in_shape_are_refused(tmp_path: Path) -> None:
    tensors = {"input/0/0": np.zeros((2, 3), np.float32), "input/0/1": np.zeros((2, 4), np.float32)}
    folder = write_case(tmp_path, [variable("x", [3], sequences=2)], [], tensors)
    with pytest.raises(InvalidGoldenCaseError, match="the steps of the sequences differ in shape"):
        load_case(folder)


@pytest.mark.parametrize("axes", [[], ["defaultBatchAxis"]])
def test_sequences_without_a_sequence_axis_are_refused(tmp_path: Path, axes: list[str]) -> None:
    tensors = {"input/0/0": np.zeros((2, 3), np.float32), "input/0/1": np.zeros((1, 3), np.float32)}
    folder = write_case(tmp_path, [variable("x", [3], sequences=2, dynamic_axes=axes)], [], tensors)
    with pytest.raises(InvalidGoldenCaseError, match=r"inputs\[0\]\.sequences: expected a sequence axis"):
        load_case(folder)


def test_description_that_says_a_thing_twice_is_refused(tmp_path: Path) -> None:
    folder = write_doubling_case(tmp_path)
    text = (folder / "case.json").read_text()
    (folder / "case.json").write_text(text.replace("{", '{"expect": "refuse", ', 1))
    with pytest.raises(InvalidGoldenCaseError, match=r"case\.json holds what is not accepted: the key 'expect' stands twice"):
        load_case(folder)


@pytest.mark.parametrize("name", ["case.json", "tensors.npz", "model.dnn"])
def test_pipe_in_place_of_a_file_is_refused_and_not_waited_for(tmp_path: Path, name: str) -> None:
    folder = write_doubling_case(tmp_path)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(InvalidGoldenCaseError, match="no regular file"):
        load_case(folder).model_path()


def test_case_has_its_folders_name_however_it_is_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (write_doubling_case(tmp_path / "doubling") / "below").mkdir()
    monkeypatch.chdir(tmp_path / "doubling")
    assert load_case(Path()).name == "doubling"
    monkeypatch.chdir("below")
    assert load_case(Path("..")).name == "doubling"
