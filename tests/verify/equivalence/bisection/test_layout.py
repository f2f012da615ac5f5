"""Reference values in the graph's layout, and values of the graph beside the reference's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bridge.origins import Origin
from verify.equivalence.backends import Array
from verify.equivalence.bisection.layout import Beside, as_fed, beside

RAGGED: list[Array] = [np.full((2, 3), 1, np.float32), np.full((1, 3), 2, np.float32)]


def origin(dynamic_rank: int, *, clean: bool = False) -> Origin:
    return Origin("value", ("uid",), "", "Tanh", ("Tanh1",), dynamic_rank, clean, "")


def compared(found: Beside | str) -> Beside:
    assert isinstance(found, Beside), found
    return found


def test_sequences_are_padded_with_what_the_graph_had_there() -> None:
    free = np.full((2, 4, 3), 7, np.float32)
    fed = as_fed(RAGGED, origin(2), free)
    assert fed[:, :, 0].tolist() == [[1, 1, 7, 7], [2, 7, 7, 7]]


def test_clean_padding_is_zero_whatever_the_graph_had_there() -> None:
    fed = as_fed(RAGGED, origin(2, clean=True), np.full((2, 2, 3), 7, np.float32))
    assert fed[:, :, 0].tolist() == [[1, 1], [2, 0]]


def test_without_a_run_of_the_graph_padding_is_zero() -> None:
    assert as_fed(RAGGED, origin(2), None)[1, 1].tolist() == [0, 0, 0]


def test_folded_sequence_axis_is_one_of_samples() -> None:
    assert as_fed(RAGGED, origin(1), None).tolist() == [[1, 1, 1], [1, 1, 1], [2, 2, 2]]


def test_values_are_fed_in_the_type_that_the_graph_computes_in() -> None:
    assert as_fed(np.ones((2, 3), np.float64), origin(1), np.ones((2, 3), np.float32)).dtype == np.float32


def test_dimensions_of_one_are_no_difference() -> None:
    found = compared(beside(np.ones((2, 3), np.float32), np.ones((2, 1, 3), np.float32), origin(1)))
    assert found.got.shape == found.want.shape


def test_value_for_every_step_at_once_stands_beside_each_step() -> None:
    found = compared(beside(np.array([[[1, 1, 1]], [[2, 2, 2]]], np.float32), RAGGED, origin(2)))
    assert found.lengths == (2, 1)
    np.testing.assert_array_equal(found.got, found.want)


def test_padding_counts_where_others_rely_on_it_alone() -> None:
    got = np.array([[[1, 1, 1], [1, 1, 1]], [[2, 2, 2], [-9, 0, 0]]], np.float32)
    assert compared(beside(got, RAGGED, origin(2))).beyond == 0
    assert compared(beside(got, RAGGED, origin(2, clean=True))).beyond == 9
    got[1, 1, 0] = np.nan
    assert math.isnan(compared(beside(got, RAGGED, origin(2, clean=True))).beyond)


@pytest.mark.parametrize("shape", [(2, 3), (3, 2, 3), (2, 1, 4), (2, 2, 4), (2, 2), (2,), ()])
def test_other_shapes_are_told_in_a_sentence(shape: tuple[int, ...]) -> None:
    found = beside(np.ones(shape, np.float32), RAGGED, origin(2))
    assert isinstance(found, str)
    assert found.startswith(f"shape {list(shape)}, the reference's ")


def test_transposed_value_is_not_beside_the_reference() -> None:
    assert beside(np.ones((2, 4, 3)), np.ones((2, 3, 4)), origin(1)) == "shape [2, 4, 3], the reference's [2, 3, 4]"
