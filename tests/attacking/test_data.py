from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.attacking.data import read_samples
from bridge.attacking.served import Place
from bridge.errors import InvalidOptionError

IMAGE = Place("image", np.dtype(np.float32), ("N", 1, 8, 8))
WORDS = Place("words", np.dtype(np.float32), ("N", "T", 5), lengths="lengths")
OUTPUT = Place("z", np.dtype(np.float32), ("N", 10))
TAGS = Place("tags", np.dtype(np.float32), ("N", "T", 4))
LENGTHS = Place("lengths", np.dtype(np.int64), ("N",), optional=True)
X = np.zeros((4, 1, 8, 8))


def saved(folder: Path, **tensors: object) -> Path:
    np.savez(folder / "data.npz", **tensors)  # type: ignore[arg-type]
    return folder / "data.npz"


def test_samples_come_in_the_type_of_the_input_and_labels_as_whole_numbers(tmp_path: Path) -> None:
    samples, digest = read_samples(saved(tmp_path, x=X, y=np.array([0.0, 1.0, 2.0, 3.0])), {"image": IMAGE}, OUTPUT)
    assert (samples.name, samples.x.dtype.name, samples.labels.dtype.name) == ("image", "float32", "int64")
    assert samples.labels.tolist() == [0, 1, 2, 3]
    assert len(digest) == 64


def test_one_hot_rows_are_labels_too(tmp_path: Path) -> None:
    samples, _ = read_samples(saved(tmp_path, x=X, y=np.eye(10)[[3, 1, 4, 1]]), {"image": IMAGE}, OUTPUT, limit=3)
    assert samples.labels.tolist() == [3, 1, 4]


def test_what_lies_behind_the_end_of_a_sequence_is_masked(tmp_path: Path) -> None:
    file = saved(tmp_path, x=np.zeros((2, 3, 5)), y=np.array([0, 1]), lengths=np.array([1, 3]))
    samples, _ = read_samples(file, {"words": WORDS, "lengths": LENGTHS}, OUTPUT)
    assert samples.mask is not None
    assert samples.mask[:, :, 0].tolist() == [[1, 0, 0], [1, 1, 1]]
    assert samples.feeds(samples.x, np.array([1, 0]))["lengths"].tolist() == [3, 1]


@pytest.mark.parametrize(
    ("tensors", "told"),
    [
        ({"x": X}, "no tensor 'y'"),
        ({"y": np.zeros(4)}, "no tensor 'x'"),
        ({"x": X[:, :, :4], "y": np.zeros(4)}, "input 'image' expects"),
        ({"x": X, "y": np.zeros(3)}, "3 entries for 4 samples"),
        ({"x": X, "y": np.array([0.5, 0, 0, 0])}, "expected class numbers"),
        ({"x": X, "y": np.array([-1, 0, 0, 0])}, "classes count from 0"),
        ({"x": np.full_like(X, np.nan), "y": np.zeros(4)}, "not finite"),
        ({"x": X, "y": np.array(["a", "b", "c", "d"])}, "expected numbers"),
        ({"x": X, "y": np.array([{}, {}, {}, {}], dtype=object)}, "expected numbers"),
    ],
)
def test_data_that_does_not_suit_is_refused(tensors: dict[str, object], told: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match=told):
        read_samples(saved(tmp_path, **tensors), {"image": IMAGE}, OUTPUT)


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.npz").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(InvalidOptionError, match="not a readable"):
        read_samples(tmp_path / "data.npz", {"image": IMAGE}, OUTPUT)


def test_several_inputs_need_a_name_for_x(tmp_path: Path) -> None:
    inputs = {"image": IMAGE, "other": Place("other", np.dtype(np.float32), ("N", 1, 8, 8))}
    with pytest.raises(InvalidOptionError, match="name one with --input"):
        read_samples(saved(tmp_path, x=X, y=np.zeros(4)), inputs, OUTPUT)
    samples, _ = read_samples(saved(tmp_path, x=X, y=np.zeros(4), other=X), inputs, OUTPUT)
    assert samples.name == "image"
    assert set(samples.others) == {"other"}
