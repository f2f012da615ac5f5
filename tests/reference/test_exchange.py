"""What the two interpreters write to each other, and what is made of an answer that is out of form."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import ReferenceEngineError
from bridge.reference.cntk_side.exchange import read_inputs, write_result
from bridge.reference.exchange import read_answer, write_request
from bridge.reference.values import Array, EngineLimits

VARIABLE = {
    "key": "z",
    "uid": "Plus1_Output_0",
    "name": "z",
    "operator": "Plus",
    "shape": [3],
    "dtype": "float32",
    "dynamic_axes": ["b"],
    "sparse": False,
}
FIELDS = [*VARIABLE, "ragged", "parts"]
DOCUMENT: dict[str, Any] = {"values": [VARIABLE]}


def test_inputs_arrive_as_they_were_given(tmp_path: Path) -> None:
    image = np.arange(24, dtype=np.float64).reshape(2, 3, 4).transpose(2, 0, 1)
    words: list[Array] = [np.ones((2, 3), np.float32), np.zeros((1, 3), np.float16)]
    write_request(tmp_path, {"wanted": None}, {"image": image, "words": words})
    got = read_inputs(str(tmp_path), json.loads((tmp_path / "request.json").read_text()))
    np.testing.assert_array_equal(got["image"], image)
    assert [(part.shape, part.dtype.name) for part in got["words"]] == [((2, 3), "float32"), ((1, 3), "float16")]


def test_values_come_back_as_they_were_computed(tmp_path: Path) -> None:
    values = [np.ones((2, 3), np.float32), np.full((1, 3), np.nan, np.float32)]
    write_result(str(tmp_path), copy.deepcopy(DOCUMENT), [values])
    answer = read_answer(tmp_path, EngineLimits())
    assert answer is not None
    got = answer.values["z"].value
    assert isinstance(got, list)
    for left, right in zip(got, values, strict=True):
        np.testing.assert_array_equal(left, right)
    assert answer.values["z"].variable.dynamic_axes == ("b",)


def test_no_answer_is_no_answer(tmp_path: Path) -> None:
    assert read_answer(tmp_path, EngineLimits()) is None


def _answer(folder: Path, document: Any, tensors: bytes = bytes(64)) -> None:
    (folder / "result.json").write_text(json.dumps(document))
    (folder / "tensors.bin").write_bytes(tensors)


@pytest.mark.parametrize(
    "part",
    [
        {"dtype": "float32", "shape": [17], "offset": 0},
        {"dtype": "float32", "shape": [1], "offset": 61},
        {"dtype": "float32", "shape": [1], "offset": -4},
        {"dtype": "float32", "shape": [-1], "offset": 0},
        {"dtype": "float32", "shape": [1 << 62, 1 << 62], "offset": 0},
        {"dtype": "object", "shape": [1], "offset": 0},
        {"dtype": "float32", "shape": 3, "offset": 0},
        {"dtype": "float32", "shape": [1]},
        None,
    ],
)
def test_a_tensor_beyond_what_was_written_is_refused(tmp_path: Path, part: Any) -> None:
    _answer(tmp_path, {"values": [VARIABLE | {"ragged": False, "parts": [part]}]})
    with pytest.raises(ReferenceEngineError, match="out of form"):
        read_answer(tmp_path, EngineLimits())


@pytest.mark.parametrize("text", ["", "[]", "{", '{"values": 3}', '{"values": [3]}', "[" * 100_000])
def test_a_document_out_of_form_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(ReferenceEngineError, match="out of form"):
        read_answer(tmp_path, EngineLimits())


def test_an_endless_document_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(json.dumps({"values": [], "padding": "x" * 1000}))
    with pytest.raises(ReferenceEngineError, match="longer than 100 bytes"):
        read_answer(tmp_path, EngineLimits(document_bytes=100))


@pytest.mark.parametrize("name", ["result.json", "tensors.bin"])
def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path, name: str) -> None:
    _answer(tmp_path, {"values": []})
    (tmp_path / name).rename(tmp_path / "elsewhere")
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ReferenceEngineError, match=f"{name} cannot be read"):
        read_answer(tmp_path, EngineLimits())


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "result.json")
    with pytest.raises(ReferenceEngineError, match=r"result\.json is no regular file"):
        read_answer(tmp_path, EngineLimits())


def test_more_values_than_the_limit_are_not_read(tmp_path: Path) -> None:
    _answer(tmp_path, {"values": []}, bytes(1000))
    with pytest.raises(ReferenceEngineError, match=r"tensors\.bin is longer than 100 bytes"):
        read_answer(tmp_path, EngineLimits(output_bytes=100))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=10,
)


@settings(max_examples=200)
@given(field=st.sampled_from(FIELDS), value=_json)
def test_any_field_of_any_kind_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, field: str, value: Any) -> None:
    folder = tmp_path_factory.mktemp("answer")
    part = {"dtype": "float32", "shape": [2, 3], "offset": 0}
    _answer(folder, {"values": [VARIABLE | {"ragged": False, "parts": [part], field: value}]})
    try:
        answer = read_answer(folder, EngineLimits())
    except ReferenceEngineError:
        return
    assert answer is not None
    assert len(answer.values) == 1
