import itertools
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from verify.equivalence.comparison import compare
from verify.equivalence.figures import EDGES, Figures, cosine, error_histogram, sqnr_db
from verify.equivalence.tolerances import TOLERANCES

FLOAT32 = TOLERANCES["float32"]
VECTORS = arrays.arrays(np.float64, 6, elements=st.floats(-1e3, 1e3).map(lambda value: round(value, 3)))


def figures_of(got: Any, want: Any) -> Figures:
    return compare(np.array(got, np.float32), np.array(want, np.float32), FLOAT32).figures


@given(VECTORS, VECTORS)
def test_cosine_is_the_product_over_the_norms(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> None:
    norms = np.linalg.norm(a) * np.linalg.norm(b)
    expected = a @ b / norms if norms else float(not a.any() and not b.any())
    assert cosine(a, b) == pytest.approx(expected, abs=1e-12)


@given(VECTORS, VECTORS)
def test_sqnr_is_the_ratio_of_energies(want: npt.NDArray[np.float64], noise: npt.NDArray[np.float64]) -> None:
    signal, error = float((want**2).sum()), float((noise**2).sum())
    if error == 0:
        expected = math.inf
    elif signal == 0:
        expected = -math.inf
    else:
        expected = 10 * math.log10(signal / error)
    assert sqnr_db(want, noise) == pytest.approx(expected)


def test_twenty_decibels_are_a_tenth_of_the_amplitude() -> None:
    found = figures_of([1.1, -1.1], [1.0, -1.0])
    assert found.sqnr_db == pytest.approx(20, abs=1e-4)
    assert found.cosine == pytest.approx(1)


@pytest.mark.parametrize("scale", [1e-310, 1e-160, 1.0, 1e160, 1e307])
def test_squares_beyond_the_range_of_doubles_do_no_harm(scale: float) -> None:
    a, b = np.array([3.0, 4.0]) * scale, np.array([4.0, 3.0]) * scale
    assert cosine(a, b) == pytest.approx(24 / 25, rel=1e-9)
    assert sqnr_db(a, a - b) == pytest.approx(10 * math.log10(25 / 2), rel=1e-9)


def test_opposite_vectors_have_a_cosine_of_minus_one() -> None:
    assert cosine(np.array([1.0, 2.0]), np.array([-1.0, -2.0])) == pytest.approx(-1)


def test_mean_and_ulps_are_over_all_elements() -> None:
    step = float(np.spacing(np.float32(1)))
    found = figures_of([1.0, 1 + step, 1 + 3 * step], [1.0, 1.0, 1.0])
    assert (found.max_ulp, found.median_ulp) == (3.0, 1.0)
    assert found.mean_abs == pytest.approx(4 * step / 3)


def test_values_that_are_not_finite_leave_the_figures_of_the_others_alone() -> None:
    found = figures_of([1.5, math.nan, math.inf, 2.0], [1.0, math.nan, math.inf, math.nan])
    assert (found.mean_abs, found.max_ulp) == (0.5, float(1 << 22))
    assert found.histogram is not None
    assert sum(found.histogram.counts) == 1


def test_nothing_finite_gives_no_figures() -> None:
    assert figures_of([math.nan], [1.0]) == Figures()


def test_integers_have_neither_ulps_nor_angles() -> None:
    found = compare(np.array([1, 2]), np.array([1, 4]), TOLERANCES["int64"]).figures
    assert (found.mean_abs, found.max_ulp, found.cosine) == (1.0, None, None)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_histogram_puts_every_error_between_its_edges(dtype: type[Any]) -> None:
    errors = np.array([0, 5e-324, 1e-10, 9e-6, 1e-5, 0.5, 1, 99, 100, 1e300])
    histogram = error_histogram(errors)
    assert histogram.edges == EDGES
    expected = [int(((errors >= low) & (errors < high)).sum()) for low, high in itertools.pairwise(EDGES)]
    assert list(histogram.counts) == expected
    assert sum(histogram.counts) == errors.size
    found = compare(np.ones(3, dtype), np.ones(3, dtype), FLOAT32).figures.histogram
    assert found is not None
    assert found.counts[0] == 3


@pytest.mark.parametrize(("got", "want"), list(itertools.product([1.7e308, -1.7e308, 1e100, 1e-100, 5e-324, 0.0], repeat=2)))
def test_doubles_of_any_size_have_figures(got: float, want: float) -> None:
    found = compare(np.array([got, 0.0]), np.array([want, 0.0]), TOLERANCES["float64"]).figures
    assert found.sqnr_db is not None
    assert not math.isnan(found.sqnr_db)
    assert (found.sqnr_db == math.inf) == (got == want)


def test_decibels_between_the_ends_of_double_precision() -> None:
    assert sqnr_db(np.array([1e-90]), np.array([1e90])) == pytest.approx(-3600)
