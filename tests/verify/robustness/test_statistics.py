import pytest

from verify.robustness.statistics import Share, at_least, at_most, mcnemar


def test_the_interval_is_that_of_clopper_and_pearson() -> None:
    share = Share.of(54, 100)
    assert (share.lower, share.upper) == pytest.approx((0.4374115798664717, 0.6401566470205884), abs=1e-12)
    assert Share.of(0, 50).upper == pytest.approx(1 - 0.025 ** (1 / 50), abs=1e-12)


def test_one_sided_bounds_are_nearer_than_the_interval() -> None:
    assert Share.of(54, 100).lower < at_least(54, 100) < 0.54 < at_most(54, 100) < Share.of(54, 100).upper
    assert at_most(0, 100) == pytest.approx(1 - 0.05 ** (1 / 100), abs=1e-12)


def test_of_nothing_anything_is_possible() -> None:
    assert (Share.of(0, 0).lower, Share.of(0, 0).upper) == (0.0, 1.0)
    assert (at_least(0, 0), at_most(0, 0)) == (0.0, 1.0)


@pytest.mark.parametrize(("first", "second", "expected"), [(0, 0, 1.0), (3, 3, 1.0), (0, 6, 2 * 0.5**6), (1, 7, 2 * 9 * 0.5**8)])
def test_an_uneven_split_is_improbable(first: int, second: int, expected: float) -> None:
    assert mcnemar(first, second) == mcnemar(second, first) == pytest.approx(expected)
