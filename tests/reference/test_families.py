"""Generated inputs: each family is what its name says, from its seed alone."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.errors import InvalidOptionError
from bridge.reference.recording.families import FREE_DIMENSION, InputFamily, generate
from bridge.reference.recording.model_inputs import ModelInput

FLOAT, HALF, DOUBLE = (np.dtype(kind) for kind in (np.float32, np.float16, np.float64))
IMAGE = ModelInput("Input1", "image", (3, -3, -3), FLOAT, batched=True, sequence_axis=None, sparse=False)
WORDS = ModelInput("Input2", "words", (30,), FLOAT, batched=True, sequence_axis="s", sparse=True)
SIGNAL = ModelInput("Input3", "signal", (4,), DOUBLE, batched=True, sequence_axis="s", sparse=False)
SCALE = ModelInput("Input4", "scale", (2,), FLOAT, batched=False, sequence_axis=None, sparse=False)


def _families(*inputs: ModelInput, samples: int = 5, seed: int = 0) -> dict[str, InputFamily]:
    return {family.name: family for family in generate(inputs, samples, seed)}


def test_dense_inputs_have_the_families_that_apply_to_them() -> None:
    assert list(_families(IMAGE)) == [
        "normal",
        "zeros",
        "ones",
        "extremes",
        "denormals",
        "batch_of_one",
        "batch_of_two",
        "odd_batch",
    ]


def test_sparse_inputs_and_sequences_add_theirs() -> None:
    assert set(_families(WORDS)) - set(_families(IMAGE)) == {"multi_hot", "one_step", "equal_lengths"}


def test_free_dimensions_are_bound_and_inputs_without_a_batch_have_none() -> None:
    batches = _families(IMAGE, SCALE)["normal"].batches
    assert np.shape(batches["Input1"]) == (5, 3, FREE_DIMENSION, FREE_DIMENSION)
    assert np.shape(batches["Input4"]) == (2,)


def test_batches_have_the_sizes_that_their_names_say() -> None:
    families = _families(IMAGE)
    assert {name: len(families[name].batches["Input1"]) for name in ("batch_of_one", "batch_of_two", "odd_batch", "normal")} == {
        "batch_of_one": 1,
        "batch_of_two": 2,
        "odd_batch": 7,
        "normal": 5,
    }


def test_ragged_sequences_hold_one_of_a_single_step_and_share_their_axis() -> None:
    batches = _families(WORDS, SIGNAL)["normal"].batches
    lengths = [len(sequence) for sequence in batches["Input2"]]
    assert lengths == [len(sequence) for sequence in batches["Input3"]]
    assert 1 in lengths
    assert len(set(lengths)) > 1


def test_a_batch_of_one_is_no_sequence_of_one_step() -> None:
    assert [len(sequence) for sequence in _families(SIGNAL)["batch_of_one"].batches["Input3"]] == [9]


def test_sequences_of_one_step_and_of_equal_length() -> None:
    families = _families(SIGNAL)
    assert {len(sequence) for sequence in families["one_step"].batches["Input3"]} == {1}
    assert len({len(sequence) for sequence in families["equal_lengths"].batches["Input3"]}) == 1


def test_one_hot_rows_have_one_one_and_multi_hot_rows_several_or_none() -> None:
    families = _families(WORDS)
    one_hot = np.concatenate(list(families["normal"].batches["Input2"]))
    assert (one_hot.sum(axis=1) == 1).all()
    assert set(np.unique(one_hot)) == {0, 1}
    sums = np.concatenate(list(families["multi_hot"].batches["Input2"])).sum(axis=1)
    assert sums.min() == 0
    assert sums.max() > 1


@pytest.mark.parametrize("dtype", [HALF, FLOAT, DOUBLE])
def test_extremes_are_large_and_finite_and_so_is_a_product_of_two(dtype: np.dtype[np.floating]) -> None:
    item = ModelInput("x", "x", (200,), dtype, batched=True, sequence_axis=None, sparse=False)
    value = np.asarray(_families(item)["extremes"].batches["x"])
    assert value.dtype == dtype
    largest = np.abs(value).max()
    assert largest > float(np.finfo(dtype).max) ** 0.2
    assert np.isfinite(largest * largest)
    assert set(np.unique(np.sign(value))) == {-1, 1}


@pytest.mark.parametrize("dtype", [HALF, FLOAT, DOUBLE])
def test_denormals_lie_below_the_smallest_normal_number(dtype: np.dtype[np.floating]) -> None:
    item = ModelInput("x", "x", (50,), dtype, batched=True, sequence_axis=None, sparse=False)
    value = np.abs(np.asarray(_families(item)["denormals"].batches["x"]))
    assert (value <= np.finfo(dtype).tiny).all()
    assert (value > 0).any()


def test_a_seed_gives_the_same_values_and_another_seed_others() -> None:
    first, again, other = (_families(IMAGE, seed=seed)["normal"].batches["Input1"] for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("shape", "samples", "complaint"),
    [((-1, 3), 5, "to be inferred"), ((1 << 20,), 1000, "take fewer samples")],
)
def test_what_cannot_be_generated_is_refused(shape: tuple[int, ...], samples: int, complaint: str) -> None:
    item = ModelInput("x", "x", shape, FLOAT, batched=True, sequence_axis=None, sparse=False)
    with pytest.raises(InvalidOptionError, match=complaint):
        _families(item, samples=samples)
