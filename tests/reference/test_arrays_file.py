"""Inputs from .npz and .npy files: matched by name, held to the model's shapes, never unpickled."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import InvalidInputsError
from bridge.reference.recording.archive import write_archive
from bridge.reference.recording.arrays_file import read_arrays
from bridge.reference.recording.model_inputs import ModelInput
from bridge.reference.recording.record import check_together
from bridge.reference.values import Batch

FLOAT = np.dtype(np.float32)
IMAGE = ModelInput("Input1", "image", (1, 4), FLOAT, batched=True, sequence_axis=None, sparse=False)
WORDS = ModelInput("Input2", "words", (3,), FLOAT, batched=True, sequence_axis="s", sparse=True)
LABEL = ModelInput("Input5", "", (3,), FLOAT, batched=True, sequence_axis="s", sparse=False)


def test_arrays_are_found_by_name_and_sequences_by_number(tmp_path: Path) -> None:
    steps = {f"words/{j}": np.eye(3)[: j + 1] for j in range(3)}
    write_archive(tmp_path / "in.npz", {"image": np.ones((3, 1, 4)), **steps})
    values = read_arrays(tmp_path / "in.npz", (IMAGE, WORDS))
    assert np.shape(values["Input1"]) == (3, 1, 4)
    assert [sequence.shape for sequence in values["Input2"]] == [(1, 3), (2, 3), (3, 3)]
    assert all(sequence.dtype == FLOAT for sequence in values["Input2"])


def test_an_unnamed_input_is_found_by_its_uid(tmp_path: Path) -> None:
    write_archive(tmp_path / "in.npz", {"Input5/0": np.ones((2, 3))})
    assert len(read_arrays(tmp_path / "in.npz", (LABEL,))["Input5"]) == 1


def test_one_array_serves_a_model_of_one_input(tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", np.arange(8, dtype=np.uint8).reshape(2, 1, 4))
    value = read_arrays(tmp_path / "in.npy", (IMAGE,))["Input1"]
    np.testing.assert_array_equal(value, np.arange(8, dtype=np.float32).reshape(2, 1, 4))


def test_one_array_does_not_serve_two_inputs(tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", np.ones(3))
    with pytest.raises(InvalidInputsError, match="this one takes image, words"):
        read_arrays(tmp_path / "in.npy", (IMAGE, WORDS))


@pytest.mark.parametrize("shape", [(3, 4), (3, 1, 5), (4,), (0, 1, 4)])
def test_another_shape_is_refused_with_the_expected_one(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.savez(tmp_path / "in.npz", image=np.ones(shape))
    with pytest.raises(InvalidInputsError, match=r"the input image expects \[N, 1, 4\]"):
        read_arrays(tmp_path / "in.npz", (IMAGE,))


def test_a_missing_array_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", picture=np.ones((1, 1, 4)))
    with pytest.raises(InvalidInputsError, match="no array image; the file has 'picture'"):
        read_arrays(tmp_path / "in.npz", (IMAGE,))


def test_a_sequence_that_is_missing_in_between_is_refused(tmp_path: Path) -> None:
    write_archive(tmp_path / "in.npz", {"words/0": np.eye(3), "words/2": np.eye(3)})
    with pytest.raises(InvalidInputsError, match="no array words/1, though there are 2"):
        read_arrays(tmp_path / "in.npz", (WORDS,))


@pytest.mark.parametrize("name", ["in.npz", "in.npy"])
def test_pickles_are_never_opened(tmp_path: Path, name: str) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    if name == "in.npy":
        (tmp_path / name).write_bytes(buffer.getvalue())
    else:
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("image.npy", buffer.getvalue())
    with pytest.raises(InvalidInputsError):
        read_arrays(tmp_path / name, (IMAGE,))


@pytest.mark.parametrize("name", ["in.npz", "in.npy"])
def test_a_header_that_promises_more_than_there_is_allocates_nothing(tmp_path: Path, name: str) -> None:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 1, 4)})
    if name == "in.npy":
        (tmp_path / name).write_bytes(buffer.getvalue() + bytes(16))
    else:
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("image.npy", buffer.getvalue() + bytes(16))
    with pytest.raises(InvalidInputsError):
        read_arrays(tmp_path / name, (IMAGE,))


@pytest.mark.parametrize("name", ["in.npz", "in.npy"])
def test_pipe_is_refused_and_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(InvalidInputsError, match="no regular file"):
        read_arrays(tmp_path / name, (IMAGE,))


def test_noise_is_refused(tmp_path: Path) -> None:
    for name in ("in.npz", "in.npy"):
        (tmp_path / name).write_bytes(b"noise")
        with pytest.raises(InvalidInputsError, match=name):
            read_arrays(tmp_path / name, (IMAGE,))


def test_inputs_of_different_batch_sizes_are_refused() -> None:
    batches: dict[str, Batch] = {"Input1": np.ones((2, 1, 4), FLOAT), "Input2": [np.ones((1, 3), FLOAT)] * 3}
    with pytest.raises(InvalidInputsError, match="image 2, words 3"):
        check_together((IMAGE, WORDS), batches)


def test_inputs_that_share_an_axis_share_its_lengths() -> None:
    batches: dict[str, Batch] = {"Input2": [np.ones((2, 3), FLOAT)], "Input5": [np.ones((1, 3), FLOAT)]}
    with pytest.raises(InvalidInputsError, match=r"share the axis 's'.*\[2\] and \[1\]"):
        check_together((WORDS, LABEL), batches)
