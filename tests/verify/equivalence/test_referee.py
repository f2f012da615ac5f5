import numpy as np
import numpy.typing as npt
import pytest

from verify.equivalence.referee import ruling
from verify.equivalence.tolerances import Tolerance
from verify.report.document import Nearer

WIDE = Tolerance(1.0, 1.0)


def floats(*values: float) -> npt.NDArray[np.float32]:
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("got", "recorded", "nearer"),
    [(1.0, 1.25, Nearer.OURS), (1.5, 1.0, Nearer.REFERENCE), (0.5, 1.5, Nearer.EQUAL), (1.0, 1.0, Nearer.EQUAL)],
)
def test_the_side_with_the_lesser_error_is_nearer(got: float, recorded: float, nearer: Nearer) -> None:
    found = ruling(floats(got), floats(recorded), np.array([1.0]), WIDE)
    assert found is not None
    assert (found.nearer, found.our_error, found.reference_error) == (nearer, abs(got - 1), abs(recorded - 1))


def test_values_that_are_not_finite_on_any_side_are_left_out() -> None:
    found = ruling(floats(np.nan, 1, 5, 2), floats(7, np.inf, 5, 3), np.array([0, 0, np.inf, 2.0]), WIDE)
    assert found is not None
    assert (found.our_error, found.reference_error) == (0.0, 1.0)


def test_sequences_are_compared_without_their_padding() -> None:
    recorded: list[npt.NDArray[np.generic]] = [floats(1, 2), floats(3)]
    found = ruling(np.array([[1, 2], [3, 0]], np.float32), recorded, np.array([[1, 2.5], [3, 0]]), WIDE)
    assert found is not None
    assert (found.our_error, found.reference_error, found.nearer) == (0.5, 0.5, Nearer.EQUAL)


def test_integers_and_other_shapes_have_no_referee() -> None:
    assert ruling(np.array([1]), np.array([1]), np.array([1]), WIDE) is None
    assert ruling(floats(1), floats(1, 2), np.array([1.0, 2.0]), WIDE) is None
    assert ruling(floats(1, 2), floats(1, 2), np.array([1.0]), WIDE) is None


def test_a_graph_that_computes_something_else_is_no_measure_of_rounding() -> None:
    narrow = Tolerance(1e-3, 1e-5)
    assert ruling(floats(2.0), floats(1.0), np.array([2.0]), narrow) is None
    assert ruling(floats(2.0), floats(1.0), np.array([1.0001]), narrow) is not None
