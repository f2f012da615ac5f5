"""CNTK's text format: what its readers take is taken, everything else is refused with the line's number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidInputsError
from bridge.reference.recording.ctf import parse_ctf, read_ctf
from bridge.reference.recording.model_inputs import ModelInput

FLOAT = np.dtype(np.float32)
IMAGE = ModelInput("Input1", "image", (2, 2), FLOAT, batched=True, sequence_axis=None, sparse=False)
WORDS = ModelInput("Input2", "words", (5,), FLOAT, batched=True, sequence_axis="defaultDynamicAxis", sparse=True)
SIGNAL = ModelInput("Input3", "signal", (2,), FLOAT, batched=True, sequence_axis="defaultDynamicAxis", sparse=False)
LABEL = ModelInput("Input4", "label", (3,), FLOAT, batched=True, sequence_axis=None, sparse=False)


def test_lines_without_ids_are_samples() -> None:
    values = parse_ctf(b"|image 1 2 3 4\n|image 5 6 7 8\n", (IMAGE,))
    np.testing.assert_array_equal(values["Input1"], np.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], FLOAT))


def test_lines_of_one_id_are_a_sequence_and_a_label_stands_on_its_first_line() -> None:
    text = b"0 |words 3:1 |label 0 1 0\n0 |words 1:1\n0 |words 4:0.5 0:2\n1\t|words 2:1\t|label 1 0 0\n"
    values = parse_ctf(text, (WORDS, LABEL))
    assert isinstance(values["Input2"], list)
    assert [sequence.shape for sequence in values["Input2"]] == [(3, 5), (1, 5)]
    np.testing.assert_array_equal(values["Input2"][0][2], np.array([2, 0, 0, 0, 0.5], FLOAT))
    np.testing.assert_array_equal(values["Input4"], np.array([[0, 1, 0], [1, 0, 0]], FLOAT))


def test_comments_empty_lines_and_windows_line_ends_are_passed_over() -> None:
    text = b"\r\n|# a comment with a bar |# in it |label 1 2 3 |# at the end\r\n|# only a comment\r\n"
    np.testing.assert_array_equal(parse_ctf(text, (LABEL,))["Input4"], np.array([[1, 2, 3]], FLOAT))


def test_a_sparse_row_without_entries_is_zero() -> None:
    values = parse_ctf(b"|words\n", (WORDS,))
    np.testing.assert_array_equal(values["Input2"][0], np.zeros((1, 5), FLOAT))


def test_fields_of_no_input_are_left_out_and_a_uid_is_as_good_as_a_name() -> None:
    assert set(parse_ctf(b"|other 1 |Input4 1 2 3\n", (LABEL,))) == {"Input4"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"|label 1 2 3\n|label 1 2\n", r"line 2: 'label' has 2 values; expected 3"),
        (b"|label 1 2 x\n", r"line 1: expected a number in 'label', found 'x'"),
        (b"|label 1 2 1_0\n", "expected a number"),
        (b"\n\nlabel 1 2 3\n", "line 3: expected fields"),
        (b"seven |label 1 2 3\n", "line 1: expected a sequence id"),
        (b"-1 |label 1 2 3\n", "line 1: expected a sequence id"),
        (b"|label 1 2 3 |label 1 2 3\n", "line 1: field 'label' stands there twice"),
        (b"| label 1 2 3\n", "line 1: a field without a name"),
        (b"|label 1 2 3 |\n", "line 1: a field without a name"),
        (b"0 |label 1 2 3\n0 |label 1 2 3\n", "line 2: a second 'label' in one sequence"),
        (b"0 |label 1 2 3\n1 |label 1 2 3\n0 |label 1 2 3\n", "line 3: sequence 0 goes on"),
        (b"|other 1\n", "no field for the input label; the file has 'other'"),
        (b"|label 1 2 3\n|other 1\n", "line 2: the sequence that begins here has no field 'label'"),
        (b"", "no line has a field"),
        (b"|label 1 2 \xff\n", "line 1: not UTF-8"),
        (b"|label 0:1 5:1\n", r"line 1: index 5 of 'label' is not below 3"),
        (b"|label 0:1 99999999999999999999:1\n", "expected index:value"),
    ],
)
def test_what_is_out_of_form_is_refused_with_its_line(text: bytes, complaint: str) -> None:
    with pytest.raises(InvalidInputsError, match=complaint):
        parse_ctf(text, (LABEL,))


def test_few_characters_do_not_become_much_memory() -> None:
    vocabulary = ModelInput("Input9", "words", (1 << 25,), FLOAT, batched=True, sequence_axis=None, sparse=True)
    with pytest.raises(InvalidInputsError, match="line 3: more than 67108864 elements"):
        parse_ctf(b"|words\n" * 1000, (vocabulary,))


def test_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data.ctf").write_bytes(b"|label 1\n")
    with pytest.raises(InvalidInputsError, match=r"data\.ctf: line 1"):
        read_ctf(tmp_path / "data.ctf", (LABEL,))


_numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)
_steps = st.lists(st.lists(_numbers, min_size=2, max_size=2), min_size=1, max_size=4)


@given(st.lists(_steps, min_size=1, max_size=5))
def test_what_is_written_is_read_back(sequences: list[list[list[float]]]) -> None:
    lines = [
        f"{number} |signal {' '.join(repr(value) for value in step)}" for number, steps in enumerate(sequences) for step in steps
    ]
    values = parse_ctf("\n".join(lines).encode(), (SIGNAL,))["Input3"]
    assert len(values) == len(sequences)
    for got, steps in zip(values, sequences, strict=True):
        np.testing.assert_array_equal(got, np.array(steps, FLOAT))


@given(st.binary(max_size=200) | st.text("0123|label# :.\n-e", max_size=80).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        values = parse_ctf(data, (LABEL,))
    except InvalidInputsError:
        return
    assert isinstance(values["Input4"], np.ndarray)
    assert values["Input4"].shape[1:] == (3,)
