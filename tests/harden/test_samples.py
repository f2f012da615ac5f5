from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.errors import InvalidInputsError, InvalidOptionError
from bridge.harden.samples import Labelled, Samples, read_labelled, split
from bridge.package.interface import Interface, Tensor

X, Y = np.zeros((30, 2), np.float32), np.repeat(np.arange(3), 10)


def test_every_class_is_split_by_the_same_shares_and_no_sample_is_in_two_parts() -> None:
    samples = Samples(np.arange(300, dtype=np.float32).reshape(300, 1), np.repeat(np.arange(3), 100))
    parts = split(samples, seed=1)
    whole = np.concatenate([part.x[:, 0] for part in (parts.training, parts.validation, parts.test)])
    assert sorted(whole.tolist()) == list(range(300))
    assert np.bincount(parts.validation.y).tolist() == [15, 15, 15]
    assert np.bincount(parts.test.y).tolist() == [25, 25, 25]


def test_the_split_follows_the_seed() -> None:
    samples = Samples(np.arange(60, dtype=np.float32).reshape(60, 1), np.repeat(np.arange(2), 30))
    first, again, other = (split(samples, seed=seed).test.x.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_too_few_samples_of_a_class_are_refused() -> None:
    with pytest.raises(InvalidInputsError, match="class 2"):
        split(Samples(X[:22], Y[:22]), seed=0)


VECTORS = Interface(
    "onnx", ("model.onnx",), (Tensor("features", "float32", ("N", 2)),), (Tensor("z", "float32", ("N", 3)),), symbols={}
)
SEQUENCES = Interface(
    "onnx",
    ("model.onnx",),
    (
        Tensor("steps", "float64", ("N", "T", 2), lengths="lengths", minimum=-1.0, maximum=4.0),
        Tensor("lengths", "int64", ("N",), optional=True, lengths_of="T"),
        Tensor("place", "float32", ("N", 1)),
    ),
    (
        Tensor("each", "float32", ("N", "T", 3), lengths="lengths"),
        Tensor("z", "float32", ("N", 3)),
        Tensor("one", "float32", ("N", 1)),
    ),
    symbols={},
)


def read(tmp_path: Path, interface: Interface, **arrays: Any) -> Labelled:
    np.savez(tmp_path / "data.npz", **arrays)
    return read_labelled(tmp_path / "data.npz", interface)


def test_samples_are_read_with_the_digest_of_their_file(tmp_path: Path) -> None:
    found = read(tmp_path, VECTORS, x=X, y=Y.astype(np.uint8))
    assert found.samples.y.dtype == np.int64
    assert (len(found.samples), found.input_name, found.output_name) == (30, "features", "z")
    assert found.value_range() == (0.0, 0.0)
    assert len(found.sha256) == 64


def test_sequences_come_with_their_lengths_and_further_inputs_and_nothing_behind_an_end_may_move(tmp_path: Path) -> None:
    steps, lengths = np.ones((30, 4, 2)), np.arange(30) % 4 + 1
    found = read_interface_of_sequences(tmp_path, steps, lengths)
    assert found.samples.others.keys() == {"lengths", "place"}
    assert found.samples.x.dtype == np.float64
    assert found.samples.mask is not None
    assert found.samples.mask[:, :, 0].sum(axis=1).tolist() == lengths.tolist()
    assert found.value_range() == (-1.0, 4.0)
    part = split(found.samples, seed=0).training
    assert part.mask is not None
    assert part.mask[:, :, 0].sum(axis=1).tolist() == part.others["lengths"].tolist()


def read_interface_of_sequences(tmp_path: Path, steps: np.ndarray[Any, Any], lengths: np.ndarray[Any, Any]) -> Labelled:
    np.savez(tmp_path / "data.npz", x=steps, y=Y, lengths=lengths, place=np.zeros((30, 1), np.float32))
    return read_labelled(tmp_path / "data.npz", SEQUENCES, "steps", "z")


def test_an_output_for_every_step_or_of_one_score_and_an_input_that_is_none_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=np.ones((30, 4, 2)), y=Y, place=np.zeros((30, 1), np.float32))
    for input_name, output_name, reason in (
        ("steps", "each", "every step"),
        ("steps", "one", "one score"),
        ("steps", "other", "no output"),
        ("other", "z", "no input"),
        ("steps", None, "--output"),
    ):
        with pytest.raises(InvalidOptionError, match=reason):
            read_labelled(tmp_path / "data.npz", SEQUENCES, input_name, output_name)


def test_inputs_of_whole_numbers_are_refused_with_the_way_out(tmp_path: Path) -> None:
    tokens = Interface("onnx", ("m",), (Tensor("words", "int64", ("N", "T")),), (Tensor("z", "float32", ("N", 3)),), symbols={})
    np.savez(tmp_path / "data.npz", x=np.ones((30, 4), np.int64), y=Y)
    with pytest.raises(InvalidOptionError, match="one-hot"):
        read_labelled(tmp_path / "data.npz", tokens)


def test_samples_beyond_the_range_are_in_other_units() -> None:
    found = Labelled(Samples(X + 255, Y), "x", "z", "")
    found.require_inside(0.0, 255.0)
    with pytest.raises(InvalidInputsError, match="--range"):
        found.require_inside(0.0, 1.0)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"x": X}, "'y'"),
        ({"y": Y}, "'x'"),
        ({"x": X, "y": Y[:5]}, "5 entries"),
        ({"x": X, "y": Y + 0.5}, "class numbers"),
        ({"x": X, "y": Y - 1}, "class -1"),
        ({"x": X, "y": Y + 1}, "class 3"),
        ({"x": X[:, 0], "y": Y}, "shape"),
        ({"x": np.full_like(X, np.nan), "y": Y}, "not finite"),
        ({"x": X[:0], "y": Y[:0]}, "no sample"),
        ({"x": np.float32(1), "y": np.int64(1)}, "no sample"),
        ({"x": np.asarray([{}] * 30, object), "y": Y}, "x"),
        ({"x": np.asarray(["a"] * 60).reshape(30, 2), "y": Y}, "x"),
    ],
)
def test_files_that_hold_no_labelled_samples_are_refused(tmp_path: Path, arrays: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInputsError, match=reason):
        read(tmp_path, VECTORS, **arrays)


def test_an_empty_file_and_one_of_text_are_refused(tmp_path: Path) -> None:
    for name, content in (("empty.npz", b""), ("text.npz", b"no archive at all\n")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidInputsError, match=name):
            read_labelled(tmp_path / name, VECTORS)


def test_samples_of_one_class_alone_are_refused() -> None:
    with pytest.raises(InvalidInputsError, match="class 0"):
        split(Samples(X, np.zeros(30, np.int64)), seed=0)
