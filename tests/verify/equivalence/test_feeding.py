from pathlib import Path

import numpy as np
import pytest

from bridge.errors import InvalidGoldenCaseError
from tests.verify.recorded_case import variable, write_case, write_doubling_case, write_ragged_doubling_case
from verify.equivalence.backends import Port
from verify.equivalence.cases import load_case
from verify.equivalence.feeding import feeds, pad, variable_name

FLOAT32 = np.dtype(np.float32)
INT64 = np.dtype(np.int64)


def ports(*listed: Port) -> dict[str, Port]:
    return {port.name: port for port in listed}


def test_sequences_are_padded_at_their_end_to_the_longest() -> None:
    padded, lengths = pad([np.ones((1, 2), np.float32), np.full((3, 2), 2, np.float32)])
    np.testing.assert_array_equal(padded, [[[1, 1], [0, 0], [0, 0]], [[2, 2]] * 3])
    assert lengths.dtype == np.int64
    assert lengths.tolist() == [1, 3]


def test_lengths_are_fed_where_the_model_takes_them(tmp_path: Path) -> None:
    case = load_case(write_ragged_doubling_case(tmp_path))
    fed = feeds(case, ports(Port("x", FLOAT32, ("N", "T", 3)), Port("lengths", INT64, ("N",), optional=True)))
    assert set(fed) == {"x", "lengths"}
    assert fed["x"].shape == (2, 2, 3)
    assert fed["lengths"].tolist() == [2, 1]


def test_lengths_of_a_named_axis_are_fed_by_its_name(tmp_path: Path) -> None:
    case = load_case(write_ragged_doubling_case(tmp_path))
    accepted = ports(Port("x", FLOAT32, ("N", "T", 3)), Port("defaultDynamicAxis_lengths", INT64, ("N",), optional=True))
    assert feeds(case, accepted)["defaultDynamicAxis_lengths"].tolist() == [2, 1]


def test_folded_axis_is_fed_step_by_step_without_padding(tmp_path: Path) -> None:
    case = load_case(write_ragged_doubling_case(tmp_path))
    np.testing.assert_array_equal(feeds(case, ports(Port("x", FLOAT32, ("N", 3))))["x"], [[1, 2, 3], [4, 5, 6], [7, 7, 7]])


def test_ragged_batch_without_lengths_is_refused(tmp_path: Path) -> None:
    case = load_case(write_ragged_doubling_case(tmp_path))
    with pytest.raises(InvalidGoldenCaseError, match="the model takes no lengths"):
        feeds(case, ports(Port("x", FLOAT32, ("N", "T", 3))))


def test_inputs_that_the_model_does_not_take_are_left_out(tmp_path: Path) -> None:
    tensors = {"input/0": np.zeros((2, 3), np.float32), "input/1": np.zeros((2, 5), np.float32)}
    case = load_case(write_case(tmp_path, [variable("x", [3]), variable("labels", [5])], [], tensors))
    assert set(feeds(case, ports(Port("x", FLOAT32, ("N", 3))))) == {"x"}


def test_input_that_the_case_does_not_record_is_named(tmp_path: Path) -> None:
    case = load_case(write_doubling_case(tmp_path))
    with pytest.raises(InvalidGoldenCaseError, match="the model takes 'mask', which the case does not record"):
        feeds(case, ports(Port("x", FLOAT32, ("N", 3)), Port("mask", FLOAT32, ("N",))))


def test_second_variable_of_a_name_is_found_by_name_and_uid(tmp_path: Path) -> None:
    description = load_case(write_doubling_case(tmp_path)).inputs[0].description
    accepted = ports(Port("x", FLOAT32, ("N", 3)), Port("x_uid_x", FLOAT32, ("N", 3)))
    assert variable_name(description, accepted) == "x_uid_x"


def test_one_hot_input_is_fed_as_indices_where_the_model_takes_indices(tmp_path: Path) -> None:
    one_hot = np.eye(4, dtype=np.float32)
    tensors = {"input/0/0": one_hot[[2, 0]], "input/0/1": one_hot[[3]]}
    case = load_case(write_case(tmp_path, [variable("words", [4], sequences=2, sparse=True)], [], tensors))
    fed = feeds(case, ports(Port("words", INT64, ("N", "T")), Port("lengths", INT64, ("N",), optional=True)))
    assert fed["words"].tolist() == [[2, 0], [3, 0]]


def test_indices_cannot_be_made_of_values_that_are_not_one_hot(tmp_path: Path) -> None:
    case = load_case(write_doubling_case(tmp_path))
    with pytest.raises(InvalidGoldenCaseError, match="not one-hot"):
        feeds(case, ports(Port("x", INT64, ("N",))))


@pytest.mark.parametrize(
    ("vector", "found"),
    [([0, 1, 1, 0], "2 entries other than 0"), ([0, 0, 0, 0], "0 entries"), ([0, 0.5, 0, 0], "a weight other than 1")],
)
def test_input_with_several_ones_is_named_with_the_place_and_the_way_out(tmp_path: Path, vector: list[float], found: str) -> None:
    """What ``--index-inputs`` takes for one-hot, and is not."""
    tensors = {"input/0/0": np.eye(4, dtype=np.float32)[[2, 0]], "input/0/1": np.array([[1, 0, 0, 0], vector], np.float32)}
    case = load_case(write_case(tmp_path, [variable("tags", [4], sequences=2, sparse=True)], [], tensors))
    with pytest.raises(InvalidGoldenCaseError, match=rf"tags: .*vector at \[1\].*{found}.*--index-input") as caught:
        feeds(case, ports(Port("tags", INT64, ("N", "T")), Port("lengths", INT64, ("N",), optional=True)))
    assert "without this one" in str(caught.value)


def test_one_long_sequence_among_very_many_is_refused_before_it_is_padded() -> None:
    # Two gigabytes of padding for each byte recorded.
    sequences = [np.zeros((1 << 20, 1), np.float32), *[np.zeros((1, 1), np.float32)] * (1 << 12)]
    with pytest.raises(InvalidGoldenCaseError, match="4097 sequences, padded to the longest of 1048576 steps, take"):
        pad(sequences)
