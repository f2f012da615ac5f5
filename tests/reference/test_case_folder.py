"""A recorded case is a golden case, whole or not there, and the same bytes each time."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import WriteError
from bridge.reference.recording.case_folder import NewCase, write_case
from bridge.reference.values import Array, ReferenceValue, ReferenceVariable
from verify.equivalence.archive import TensorArchive
from verify.equivalence.cases import load_case

MODEL = b"the bytes of a model"
FLOAT = np.float32


def _variable(uid: str, name: str, *axes: str) -> ReferenceVariable:
    return ReferenceVariable(uid, name, "Plus", (2,), "float32", axes, sparse=False)


def _case(**changes: object) -> NewCase:
    steps: list[Array] = [np.ones((3, 2), FLOAT), np.zeros((1, 2), FLOAT)]
    fields: dict[str, object] = {
        "model": memoryview(MODEL),
        "model_sha256": hashlib.sha256(MODEL).hexdigest(),
        "source": "model.dnn",
        "note": "normal: a note",
        "inputs": (ReferenceValue(_variable("Input3", "x", "defaultBatchAxis", "defaultDynamicAxis"), steps),),
        "outputs": (ReferenceValue(_variable("Plus7_Output_0", "y", "defaultBatchAxis"), np.full((2, 2), 5, FLOAT)),),
        "intermediates": (ReferenceValue(_variable("Times5_Output_0", ""), np.ones(2, FLOAT)),),
        "operators": ("Plus", "Times"),
        "origin": {"engine": {"pinned": True}},
    }
    return NewCase(**(fields | changes))  # type: ignore[arg-type]  # Fields by name, for the tests' brevity.


def test_a_written_case_loads_as_a_golden_case(tmp_path: Path) -> None:
    write_case(tmp_path / "case", _case())
    case = load_case(tmp_path / "case")
    assert case.model_path().read_bytes() == MODEL
    assert [len(sequence) for sequence in case.inputs[0].value] == [3, 1]
    assert case.outputs[0].description.public_name == "y"
    np.testing.assert_array_equal(case.outputs[0].value, np.full((2, 2), 5, FLOAT))
    assert case.description.note == "normal: a note"


def test_inner_values_stand_beside_the_outputs(tmp_path: Path) -> None:
    write_case(tmp_path / "case", _case())
    with TensorArchive(tmp_path / "case" / "tensors.npz") as archive:
        np.testing.assert_array_equal(archive.read("intermediate/0"), np.ones(2, FLOAT))


def test_a_case_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_case(tmp_path / name, _case())
    for file in ("case.json", "tensors.npz", "model.dnn"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_an_existing_case_stays_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    write_case(tmp_path / "case", _case())
    before = (tmp_path / "case" / "case.json").read_bytes()
    with pytest.raises(WriteError, match="--force replaces it"):
        write_case(tmp_path / "case", _case(note="another"))
    assert (tmp_path / "case" / "case.json").read_bytes() == before
    write_case(tmp_path / "case", _case(note="another"), overwrite=True)
    assert load_case(tmp_path / "case").description.note == "another"
    assert [path.name for path in tmp_path.iterdir()] == ["case"]


def test_a_folder_of_something_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(WriteError, match="something else"):
        write_case(tmp_path, _case(), overwrite=True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    broken = ReferenceValue(_variable("Plus7_Output_0", "y"), np.array([object()], dtype=object))
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        write_case(tmp_path / "case", _case(outputs=(broken,)))
    assert list(tmp_path.iterdir()) == []
