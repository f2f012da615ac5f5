"""Labelled samples in CNTK's text format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.attacking import AttackOptions, attack
from bridge.attacking.data import read_samples
from bridge.attacking.served import Place
from bridge.errors import InvalidOptionError
from tests.attacking.sequences import Recorded, recorded
from verify.robustness.document import Verdict

IMAGE = {"image": Place("image", np.dtype(np.float32), ("N", 1, 2, 2))}
WORDS = {
    "words": Place("words", np.dtype(np.float32), ("N", "T", 5), lengths="lengths"),
    "lengths": Place("lengths", np.dtype(np.int64), ("N",), optional=True),
}
CLASSES = Place("z", np.dtype(np.float32), ("N", 3))
TAGS = Place("tags", np.dtype(np.float32), ("N", "T", 3))
RAGGED = "0 |words 2:1 |labels 1:1\n0 |words 4:1 |labels 0:1\n1 |words 0:1 |labels 2:1\n"


def written(folder: Path, text: str) -> Path:
    (folder / "data.ctf").write_text(text)
    return folder / "data.ctf"


def as_text(case: Recorded) -> str:
    """A golden case as a reader of CNTK would take it: sparse words, one-hot tags."""
    lines = [
        f"{row} |words {case.x[row, step].argmax()}:1 |slots {case.labels[row, step]}:1"
        for row, length in enumerate(case.lengths)
        for step in range(length)
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("label", ["0 1 0", "1:1", "1"], ids=["dense", "sparse", "number"])
def test_labels_are_rows_of_classes_or_a_number(label: str, tmp_path: Path) -> None:
    file = written(tmp_path, f"|image 1 2 3 4 |labels {label}\n|labels {label} |image 5 6 7 8 |# a comment\n")
    samples, digest = read_samples(file, IMAGE, CLASSES)
    assert samples.labels.tolist() == [1, 1]
    assert samples.x.tolist() == [[[[1, 2], [3, 4]]], [[[5, 6], [7, 8]]]]
    assert len(digest) == 64


def test_steps_are_labelled_each_and_lengths_follow_from_the_sequences(tmp_path: Path) -> None:
    samples, _ = read_samples(written(tmp_path, RAGGED), WORDS, TAGS)
    assert samples.labels.tolist() == [[1, 0], [2, -1]]
    assert samples.others["lengths"].tolist() == [2, 1]
    assert samples.mask is not None
    assert samples.mask[..., 0].tolist() == [[1, 1], [1, 0]]
    assert samples.x.argmax(axis=2).tolist() == [[2, 4], [0, 0]]


def test_one_label_for_a_sequence_stands_on_any_line_of_it(tmp_path: Path) -> None:
    samples, _ = read_samples(written(tmp_path, "0 |words 2:1 |y 1\n0 |words 4:1\n1 |words 0:1 |y 2\n"), WORDS, CLASSES)
    assert samples.labels.tolist() == [1, 2]


def test_a_text_file_gives_the_very_samples_of_an_archive(tmp_path: Path) -> None:
    case = recorded("lstm_tagger")
    output = Place("tags", np.dtype(np.float32), ("N", "T", 12))
    inputs = {**WORDS, "words": Place("words", np.dtype(np.float32), ("N", "T", 80), lengths="lengths")}
    from_text, _ = read_samples(written(tmp_path, as_text(case)), inputs, output, labels="slots")
    from_archive, _ = read_samples(case.save(tmp_path), inputs, output)
    assert np.array_equal(from_text.x, from_archive.x)
    assert np.array_equal(from_text.labels, from_archive.labels)
    assert np.array_equal(from_text.others["lengths"], from_archive.others["lengths"])


def test_a_tagger_is_attacked_on_a_text_file(tmp_path: Path) -> None:
    case = recorded("lstm_tagger")
    report = attack(case.model, written(tmp_path, as_text(case)), AttackOptions(epsilon=1, limit=2))
    assert report.verdict is Verdict.PASS
    assert report.data is not None
    assert (report.data.samples, report.data.steps) == (2, 8)
    parity = report.results[0].parity
    assert parity is not None
    assert parity.holds


@pytest.mark.parametrize(
    ("text", "output", "told"),
    [
        ("|image 1 2 3 4\n", CLASSES, "which field holds the labels"),
        ("|image 1 2 3 4 |a 1 |b 2\n", CLASSES, "which field holds the labels"),
        ("|image 1 2 3 |labels 1\n", CLASSES, "line 1: 'image' has 3 values"),
        ("|image 1 2 3 4 |labels 0.5\n", CLASSES, "no whole numbers"),
        ("|image 1 2 3 4 |labels 3\n", CLASSES, "has 3 classes, counted from 0"),
        ("|image 1 2 3 4 |labels 0 0 0\n", CLASSES, "classes count from 0"),
        ("|other 1 2 3 4 |labels 1\n", CLASSES, "no field for the input image"),
        ("0 |image 1 2 3 4 |labels 1\n0 |labels 2\n", CLASSES, "sequence 0 has 2 labels"),
        ("nothing\n", CLASSES, "expected fields"),
        ("", CLASSES, "which field"),
        ("|image 1 2 3 4 |labels 1 0\n", Place("z", np.dtype(np.float32), ("N", "C")), "give class numbers"),
    ],
)
def test_a_file_that_does_not_suit_is_refused(text: str, output: Place, told: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match=told):
        read_samples(written(tmp_path, text), IMAGE, output)


def test_ragged_sequences_need_a_model_that_takes_their_lengths(tmp_path: Path) -> None:
    inputs = {"words": Place("words", np.dtype(np.float32), ("N", "T", 5))}
    with pytest.raises(InvalidOptionError, match="sequences of different lengths"):
        read_samples(written(tmp_path, RAGGED), inputs, TAGS)


def test_steps_without_a_label_of_their_own_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "0 |words 2:1 |labels 1\n0 |words 4:1\n0 |words 1:1 |labels 2\n1 |words 1:1 |labels 0\n")
    with pytest.raises(InvalidOptionError, match="2 labels for 3 steps"):
        read_samples(file, WORDS, TAGS)
