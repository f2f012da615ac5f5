"""Numbers as people read them."""

import math
from dataclasses import replace

import pytest

from tests.verify.report.sample_reports import equivalent_report
from verify.report.document import Allowed, Minimum
from verify.report.figures import (
    error_figure,
    plural,
    seconds_figure,
    shape_figure,
    share_figure,
    tolerance_figure,
    tolerance_used,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.14e-3, "3.1e-3"),
        (0.0, "0"),
        (1e-45, "1.0e-45"),
        (math.inf, "inf"),
        (math.nan, "nan"),
        (None, "–"),
        (250.0, "250"),
        (99.7, "100"),
        (0.858, "0.86"),
        (4000.0, "4.0e3"),
    ],
)
def test_errors_have_two_digits(value: float | None, text: str) -> None:
    assert error_figure(value) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.0, "0 %"),
        (1e-6, "< 0.01 %"),
        (0.042, "4.2 %"),
        (1.0, "100 %"),
        (0.5, "50 %"),
        (1.7, "1.7×"),
        (310.0, "310×"),
        (math.inf, "∞"),
        (None, "–"),
    ],
)
def test_shares_of_a_tolerance(ratio: float | None, text: str) -> None:
    assert share_figure(ratio) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(8.4e-4, "840 µs"), (0.0123, "12.3 ms"), (0.34, "340 ms"), (3.21, "3.2 s"), (250, "250 s")]
)
def test_times_have_a_unit_that_fits(seconds: float, text: str) -> None:
    assert seconds_figure(seconds) == text


def test_shapes_and_tolerances() -> None:
    assert shape_figure((50, 10)) == "50 × 10"
    assert shape_figure(()) == "scalar"
    assert shape_figure(None) == "–"
    assert tolerance_figure(Allowed(1e-3, 1.5e-5)) == "rtol 1e-3, atol 1.5e-5"
    assert plural(1, "case") == "1 case"
    assert plural(2000, "case") == "2,000 cases"


def test_the_share_needed_comes_from_the_narrowest_tolerance_that_passes() -> None:
    output = equivalent_report().cases[0].outputs[0]
    assert output.metrics is not None
    needing = replace(output, tolerance=Allowed(1e-3, 1e-5), metrics=replace(output.metrics, minimum=Minimum(6.1e-2, 6.1e-4)))
    assert tolerance_used(needing) == pytest.approx(61)
    assert tolerance_used(replace(needing, metrics=replace(output.metrics, minimum=None))) == math.inf
    assert tolerance_used(replace(needing, metrics=None)) is None
    assert tolerance_used(replace(needing, tolerance=Allowed(0.0, 0.0))) is None
