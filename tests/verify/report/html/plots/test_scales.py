"""Axes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.report.html.plots.scales import LinearScale, LogScale, power


def test_a_logarithmic_axis_covers_whole_decades() -> None:
    scale = LogScale.over([3e-7, 2e-2])
    assert (scale.lowest, scale.highest) == (-7, -1)
    assert scale.place(1e-7) == 0
    assert scale.place(1e-4) == pytest.approx(0.5)
    assert scale.place(1e-1) == 1


def test_zero_stands_below_the_decades_and_infinity_above() -> None:
    scale = LogScale.over([0.0, 1e-6, 1e-3, math.inf])
    assert scale.place(0.0) == 0
    assert scale.place(math.inf) == scale.place(math.nan) == 1
    assert 0 < scale.place(1e-6) < scale.place(1e-3) < 1
    assert [label for _, label in scale.ticks()] == ["0", "10⁻⁶", "10⁻⁵", "10⁻⁴", "10⁻³", "∞"]


def test_an_axis_of_nothing_still_is_one() -> None:
    assert LogScale.over([]).ticks()
    assert LogScale.over([0.0]).place(0.0) == 0


@given(st.lists(st.floats(min_value=0, allow_subnormal=True) | st.just(math.nan), min_size=1))
def test_every_value_stands_on_the_axis_and_order_is_kept(values: list[float]) -> None:
    scale = LogScale.over(values)
    places = [scale.place(value) for value in sorted(value for value in values if not math.isnan(value))]
    assert all(0 <= place <= 1 for place in places)
    assert places == sorted(places)
    assert all(0 <= place <= 1 for place, _ in scale.ticks())
    assert len(scale.ticks()) <= 12


@pytest.mark.parametrize(("value", "highest"), [(0.43, 0.5), (0.2, 0.2), (0.11, 0.2), (7.0, 10.0), (0.0, 1.0), (math.inf, 1.0)])
def test_a_linear_axis_ends_at_a_round_number(value: float, highest: float) -> None:
    assert LinearScale.up_to(value).highest == pytest.approx(highest)


def test_powers_of_ten_are_written_with_their_exponent() -> None:
    assert [power(exponent) for exponent in (-12, 0, 1, 2)] == ["10⁻¹²", "1", "10", "10²"]
