import math
from typing import Any

import numpy as np
import pytest

from verify.equivalence.agreement import agreement
from verify.equivalence.comparison import allowed_error
from verify.equivalence.tolerances import TOLERANCES, Tolerance
from verify.report.document import Agreement

ATOL = Tolerance(0.0, 0.01)


def agreement_of(got: Any, want: Any, tolerance: Tolerance = ATOL) -> Agreement:
    recorded = np.array(want, np.float32)
    found = agreement(np.array(got, np.float32), recorded, allowed_error(recorded.astype(np.float64), tolerance))
    assert found is not None
    return found


def test_same_decisions_have_no_flips_and_bound_their_rate() -> None:
    scores = np.random.default_rng(1).random((1000, 10))
    found = agreement_of(scores, scores)
    assert (found.samples, found.classes, found.argmax_flips) == (1000, 10, 0)
    assert found.flip_rate_upper == pytest.approx(1 - 0.05**0.001)
    assert (found.top_k, found.top_k_set_agreement) == (5, 1.0)


def test_flip_within_what_rounding_may_do_is_explained() -> None:
    found = agreement_of([[0.499, 0.501]], [[0.505, 0.495]])
    assert (found.argmax_flips, found.explained_flips, found.unexplained_flips) == (1, 1, 0)


def test_flip_over_a_wide_margin_is_a_change_of_mind() -> None:
    found = agreement_of([[0.1, 0.9], [0.9, 0.1]], [[0.9, 0.1], [0.9, 0.1]])
    assert (found.argmax_flips, found.explained_flips, found.unexplained_flips) == (1, 0, 1)
    assert found.flip_rate_upper == pytest.approx(math.sqrt(0.95))


def test_flip_of_a_tie_is_explained() -> None:
    found = agreement_of([[0.5, 0.6]], [[0.5, 0.5]], Tolerance(0.0, 0.0))
    assert (found.explained_flips, found.unexplained_flips) == (1, 0)


def test_flip_of_infinities_or_nan_is_not_explained() -> None:
    found = agreement_of([[0, math.inf], [math.nan, 1]], [[math.inf, 0], [0, 1]])
    assert (found.argmax_flips, found.unexplained_flips) == (2, 2)
    assert agreement_of([[0, math.nan]], [[1, 0]]).unexplained_flips == 1


def test_another_member_of_the_greatest_five_is_seen() -> None:
    want = np.arange(10.0)[None].repeat(4, axis=0)
    got = want.copy()
    got[0, 0] = 8.5
    found = agreement_of(got, want)
    assert (found.argmax_flips, found.top_k_set_agreement) == (0, 0.75)


def test_another_order_among_the_greatest_is_the_same_set() -> None:
    assert agreement_of([[0, 1, 2, 3, 5, 4, 6]], [[0, 1, 2, 3, 4, 5, 6]]).top_k_set_agreement == 1.0


@pytest.mark.parametrize("shape", [(4,), (4, 1), (0, 3), (2, 3, 4), ()])
def test_what_is_no_list_of_decisions_has_no_agreement(shape: tuple[int, ...]) -> None:
    values = np.zeros(shape, np.float32)
    assert agreement(values, values, np.zeros(shape)) is None


def test_allowed_error_of_each_sample_is_that_of_the_comparison() -> None:
    want = np.array([[1000.0, 999.999]])
    assert agreement_of([[999.0, 999.5]], want, TOLERANCES["float32"]).explained_flips == 1


def test_equal_values_at_the_edge_of_the_greatest_five_may_change_places() -> None:
    want = [[9.0, 8, 7, 6, 1, 1, 1, 0]]
    assert agreement_of([[9.0, 8, 7, 6, 1, 1, 1.001, 0]], want).top_k_set_agreement == 1.0
    assert agreement_of(want, [[9.0, 8, 7, 6, 1, 1, 1.001, 0]]).top_k_set_agreement == 1.0
    assert agreement_of([[9.0, 8, 7, 6, 1, 1, 1, 1.001]], want).top_k_set_agreement == 0.0


def test_equal_values_on_both_sides_need_a_set_that_serves_both() -> None:
    # Two of the greatest two are certain on either side, and not the same two.
    assert agreement_of([[3.0, 2, 1]], [[1.0, 2, 3]]).top_k_set_agreement == 0.0
    assert agreement_of([[3.0, 2, 2]], [[2.0, 3, 2]]).top_k_set_agreement == 1.0
    assert agreement_of([[3.0, 3, 0]], [[3.0, 0, 3]]).top_k_set_agreement == 0.0


def test_nan_on_both_sides_is_the_same_class() -> None:
    assert agreement_of([[math.nan, 1, 0]], [[math.nan, 1, 0]]).top_k_set_agreement == 1.0
