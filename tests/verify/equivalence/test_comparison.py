import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bridge.errors import InvalidGoldenCaseError
from verify.equivalence.comparison import compare, minimum_tolerance
from verify.equivalence.tolerances import TOLERANCES, Tolerance, tolerance_for

FLOAT32 = TOLERANCES["float32"]


def floats(*values: float) -> npt.NDArray[np.float32]:
    return np.array(values, dtype=np.float32)


def test_equal_tensors_agree() -> None:
    found = compare(floats(1, 2), floats(1, 2), FLOAT32)
    assert found.agrees
    assert (found.elements, found.max_abs, found.required, found.reason()) == (2, 0.0, 0.0, "")


def test_types_are_compared_before_values() -> None:
    found = compare(np.array([1.0]), floats(1), FLOAT32)
    assert found.problem == "type float64, recorded float32"
    assert not found.agrees


def test_shapes_are_compared_before_values_and_do_not_broadcast() -> None:
    found = compare(floats(1), floats(1, 1), FLOAT32)
    assert found.problem == "shape [1], recorded [2]"


def test_difference_beyond_tolerance_is_described() -> None:
    found = compare(floats(1, 2.5, 3), floats(1, 2, 3), FLOAT32)
    assert not found.agrees
    assert (found.mismatches, found.worst_index, found.max_abs, found.max_rel) == (1, (1,), 0.5, 0.25)
    assert found.reason() == "1 of 3 values differ (33.3 %); the worst at [1]: got 2.5, recorded 2"


def test_difference_within_tolerance_agrees_and_is_still_reported() -> None:
    found = compare(floats(1.0001), floats(1), FLOAT32)
    assert found.agrees
    assert found.max_abs == pytest.approx(1e-4, rel=1e-2)
    assert 0 < found.required < 1


def test_nan_on_one_side_alone_differs() -> None:
    for got, want in ((math.nan, 1.0), (1.0, math.nan)):
        found = compare(floats(got, 0), floats(want, 0), FLOAT32)
        assert (found.mismatches, found.nan_mismatches, found.required) == (1, 1, math.inf)
        assert minimum_tolerance(found, FLOAT32) is None


def test_nan_on_both_sides_agrees() -> None:
    assert compare(floats(math.nan), floats(math.nan), FLOAT32).agrees


def test_infinities_agree_only_with_their_like() -> None:
    assert compare(floats(math.inf, -math.inf), floats(math.inf, -math.inf), FLOAT32).agrees
    for got, want in ((math.inf, -math.inf), (math.inf, 3e38), (3e38, math.inf)):
        found = compare(floats(got), floats(want), FLOAT32)
        assert (found.mismatches, found.infinite_mismatches) == (1, 1), (got, want)


def test_an_infinity_does_not_widen_the_bound_for_the_others() -> None:
    assert not compare(floats(math.inf, 2), floats(math.inf, 1), FLOAT32).agrees


def test_absolute_part_is_scaled_by_the_greatest_recorded_magnitude() -> None:
    assert not compare(floats(0.005), floats(0), FLOAT32).agrees
    assert compare(floats(0.005, 1000), floats(0, 1000), FLOAT32).agrees


def test_empty_tensors_agree() -> None:
    assert compare(floats(), floats(), FLOAT32).agrees


def test_scalars_are_compared() -> None:
    assert compare(np.array(2.0), np.array(1.0), TOLERANCES["float64"]).worst_index == ()


def test_integers_have_no_tolerance() -> None:
    found = compare(np.array([1, 2]), np.array([1, 3]), tolerance_for(np.dtype(np.int64)))
    assert (found.mismatches, found.required) == (1, math.inf)


def test_integers_that_no_double_tells_apart_differ() -> None:
    found = compare(np.array([2**60 + 1]), np.array([2**60]), tolerance_for(np.dtype(np.int64)))
    assert (found.mismatches, found.max_abs) == (1, 1.0)


def test_worst_element_of_sequences_is_named_by_sequence_and_step() -> None:
    found = compare(floats(1, 1, 0, 9), floats(1, 1, 0, 1), FLOAT32, (2, 2))
    assert (found.elements, found.mismatches, found.worst_index, found.max_abs) == (4, 1, (1, 1), 8.0)


def test_each_sequence_has_a_scale_of_its_own() -> None:
    got, want = floats(1000, 0.005), floats(1000, 0)
    assert compare(got, want, FLOAT32, (2,)).agrees
    assert not compare(got, want, FLOAT32, (1, 1)).agrees
    assert compare(got, want, FLOAT32, (1, 0, 1)).worst_index == (2, 0)


def test_metrics_hold_what_was_found() -> None:
    metrics = compare(floats(1, 2.5, 3), floats(1, 2, 3), FLOAT32).metrics(FLOAT32)
    assert metrics is not None
    assert (metrics.elements, metrics.mismatches, metrics.max_abs, metrics.worst_recorded) == (3, 1, 0.5, 2.0)
    assert metrics.mean_abs == pytest.approx(0.5 / 3)
    assert metrics.max_ulp == 1 << 21
    assert metrics.minimum is not None
    assert metrics.minimum.rtol == pytest.approx(0.5 / (1e-5 * 3 + 1e-3 * 2) * 1e-3)


def test_tensors_of_other_shapes_have_no_metrics() -> None:
    assert compare(floats(1), floats(1, 1), FLOAT32).metrics(FLOAT32) is None


SPECIAL = (0.0, -0.0, 1.0, -1.0, 3e38, -3e38, math.inf, -math.inf, math.nan)


@pytest.mark.parametrize("got", SPECIAL)
@pytest.mark.parametrize("want", SPECIAL)
def test_every_pair_of_special_values_is_judged_by_what_it_is(got: float, want: float) -> None:
    found = compare(floats(got), floats(want), FLOAT32)
    same = got == want or (math.isnan(got) and math.isnan(want))
    assert found.agrees == same
    assert found.nan_mismatches == (math.isnan(got) != math.isnan(want))
    unlike_infinity = not same and not found.nan_mismatches and (math.isinf(got) or math.isinf(want))
    assert found.infinite_mismatches == unlike_infinity
    assert math.isfinite(found.max_abs)
    assert (minimum_tolerance(found, FLOAT32) is None) == bool(found.nan_mismatches or found.infinite_mismatches)


def test_type_without_tolerance_is_refused() -> None:
    with pytest.raises(InvalidGoldenCaseError, match="no tolerance for elements of complex64"):
        tolerance_for(np.dtype(np.complex64))


FINITE = arrays.arrays(np.float64, 5, elements=st.floats(-1e6, 1e6))


@given(FINITE, FINITE)
def test_the_minimum_tolerance_passes_and_a_narrower_one_does_not(
    got: npt.NDArray[np.float64], want: npt.NDArray[np.float64]
) -> None:
    start = Tolerance(1e-5, 1e-6)
    minimum = minimum_tolerance(compare(got, want, start), start)
    assert minimum is not None
    assert compare(got, want, minimum.scaled(1 + 1e-9)).agrees
    if minimum.rtol > 1e-12:
        assert not compare(got, want, minimum.scaled(0.99)).agrees


@given(FINITE)
def test_every_tensor_agrees_with_itself(values: npt.NDArray[np.float64]) -> None:
    assert compare(values, values, Tolerance(0.0, 0.0)).agrees
