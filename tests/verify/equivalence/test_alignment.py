import numpy as np
import numpy.typing as npt
import pytest

from verify.equivalence.alignment import Aligned, align

SEQUENCES: list[npt.NDArray[np.generic]] = [np.arange(6, dtype=np.float32).reshape(2, 3) + 1, np.full((1, 3), 9, np.float32)]
PADDED = np.zeros((2, 2, 3), np.float32)
PADDED[0], PADDED[1, :1] = SEQUENCES


def test_padded_and_folded_outputs_become_the_same() -> None:
    for got in (PADDED, np.concatenate(SEQUENCES)):
        pair = align(got, SEQUENCES)
        assert isinstance(pair, Aligned)
        assert pair.lengths == (2, 1)
        np.testing.assert_array_equal(pair.got, pair.want)
        assert pair.want.shape == (3, 3)


def test_output_without_sequences_is_left_as_it_is() -> None:
    pair = align(PADDED, PADDED)
    assert isinstance(pair, Aligned)
    assert pair.lengths is None


@pytest.mark.parametrize(
    ("got", "sentence"),
    [
        (np.ones((2, 2, 3)), "sequence 1: the padding after step 1 is not zero"),
        (np.ones((2, 1, 3)), "sequence 0: 1 steps, recorded 2"),
        (np.ones((1, 2, 3)), "shape [1, 2, 3], recorded 2 sequences of [3] per step"),
        (np.ones((4, 3)), "4 samples, recorded 3 steps in 2 sequences"),
        (np.array(1.0), "shape [], recorded 2 sequences of [3] per step"),
    ],
)
def test_what_cannot_be_laid_side_by_side_is_described(got: npt.NDArray[np.float64], sentence: str) -> None:
    assert align(got, SEQUENCES) == sentence


def test_nan_in_the_padding_is_no_zero() -> None:
    got = PADDED.copy()
    got[1, 1, 0] = np.nan
    assert align(got, SEQUENCES) == "sequence 1: the padding after step 1 is not zero"
