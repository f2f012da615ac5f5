from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.equivalence.confidence import binomial_tail, flip_rate_upper, incomplete_beta


def exact_tail(failures: int, trials: int, rate: float) -> float:
    """The binomial sum in fractions."""
    p = Fraction(rate)
    return float(sum(comb(trials, i) * p**i * (1 - p) ** (trials - i) for i in range(failures + 1)))


@pytest.mark.parametrize("trials", [1, 10, 50, 1000, 10**6, 10**9])
def test_bound_without_failures_is_the_closed_form(trials: int) -> None:
    # 1 - 0.05 ** (1 / n), without the cancellation.
    from math import expm1, log

    assert flip_rate_upper(0, trials) == pytest.approx(-expm1(log(0.05) / trials), rel=1e-9)


@pytest.mark.parametrize("trials", [2, 10, 1000])
def test_bound_with_one_success_is_the_closed_form(trials: int) -> None:
    assert flip_rate_upper(trials - 1, trials) == pytest.approx(0.95 ** (1 / trials), rel=1e-12)


@pytest.mark.parametrize(
    ("failures", "trials", "confidence", "bound"),
    [
        # Upper ends of two-sided 95 % intervals, as in the tables of Clopper and Pearson (1934) and of Pearson and Hartley.
        (0, 10, 0.975, 0.3085),
        (1, 10, 0.975, 0.4450),
        (5, 10, 0.975, 0.8129),
        (2, 20, 0.975, 0.3170),
        (10, 100, 0.975, 0.1762),
        (50, 100, 0.975, 0.6017),
    ],
)
def test_bounds_of_published_tables(failures: int, trials: int, confidence: float, bound: float) -> None:
    assert flip_rate_upper(failures, trials, confidence) == pytest.approx(bound, abs=5e-5)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n))))
def test_bound_is_where_the_binomial_sum_is_the_risk(counts: tuple[int, int]) -> None:
    failures, trials = counts
    assert exact_tail(failures, trials, flip_rate_upper(failures, trials)) == pytest.approx(0.05, rel=1e-9)


@given(st.integers(1, 60), st.data(), st.floats(0.001, 0.999))
def test_tail_is_the_binomial_sum(trials: int, data: st.DataObject, rate: float) -> None:
    failures = data.draw(st.integers(0, trials - 1))
    assert binomial_tail(failures, trials, rate) == pytest.approx(exact_tail(failures, trials, rate), rel=1e-9, abs=1e-13)


def test_nothing_tried_and_everything_failed_bound_nothing() -> None:
    assert flip_rate_upper(0, 0) == 1.0
    assert flip_rate_upper(7, 7) == 1.0


def test_more_failures_never_lower_the_bound() -> None:
    bounds = [flip_rate_upper(failures, 200) for failures in range(201)]
    assert bounds == sorted(bounds)
    assert len(set(bounds)) == 201


def test_edges_of_the_incomplete_beta_function() -> None:
    assert incomplete_beta(2, 3, 0.0, 1.0) == 0.0
    assert incomplete_beta(2, 3, 1.0, 0.0) == 1.0
    assert incomplete_beta(1, 1, 0.25, 0.75) == pytest.approx(0.25)


@pytest.mark.parametrize(("failures", "trials", "confidence"), [(-1, 5, 0.95), (6, 5, 0.95), (0, 5, 1.0), (0, 5, 0.0)])
def test_counts_that_make_no_sense_are_refused(failures: int, trials: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="failures of"):
        flip_rate_upper(failures, trials, confidence)
