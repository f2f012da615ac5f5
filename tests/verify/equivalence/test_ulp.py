import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.equivalence.ulp import ulp_distance

FLOATS: list[Any] = [np.float16, np.float32, np.float64]
WIDTHS: dict[Any, Any] = {np.float16: 16, np.float32: 32, np.float64: 64}


def distance(got: Any, want: Any, dtype: Any) -> int:
    return int(ulp_distance(np.array([got], dtype), np.array([want], dtype))[0])


@pytest.mark.parametrize("dtype", FLOATS)
@given(data=st.data())
def test_steps_of_nextafter_are_counted(dtype: Any, data: st.DataObject) -> None:
    start = dtype(data.draw(st.floats(width=WIDTHS[dtype], allow_nan=False, allow_infinity=False)))
    steps = data.draw(st.integers(0, 20))
    value = start
    for taken in range(steps):
        # From minus zero on, numpy steps to the least positive number, as it does from plus zero.
        with np.errstate(over="ignore"):
            following = np.nextafter(value, dtype(np.inf))
        if not np.isfinite(following):
            steps = taken
            break
        value = following
    assert distance(value, start, dtype) == steps
    assert distance(start, value, dtype) == steps


@pytest.mark.parametrize("dtype", FLOATS)
def test_zeros_are_one_point_and_denormals_its_neighbours(dtype: Any) -> None:
    tiny = np.nextafter(dtype(0), dtype(1))
    assert distance(dtype(-0.0), dtype(0.0), dtype) == 0
    assert distance(tiny, dtype(0.0), dtype) == 1
    assert distance(tiny, -tiny, dtype) == 2
    assert distance(np.finfo(dtype).tiny, dtype(0), dtype) == 1 << np.finfo(dtype).nmant


@pytest.mark.parametrize("dtype", FLOATS)
def test_greatest_distance_does_not_overflow(dtype: Any) -> None:
    greatest = np.finfo(dtype).max
    of_one_sign = int(np.array(greatest).view(f"u{np.dtype(dtype).itemsize}"))
    assert distance(greatest, -greatest, dtype) == 2 * of_one_sign
    assert distance(np.inf, greatest, dtype) == 1


@pytest.mark.parametrize("dtype", FLOATS)
def test_distance_at_one_is_the_difference_in_units_of_spacing(dtype: Any) -> None:
    one = dtype(1)
    assert distance(one + 8 * np.spacing(one), one, dtype) == 8


@given(st.lists(st.floats(width=32), min_size=1, max_size=30), st.lists(st.floats(width=32), min_size=1, max_size=30))
def test_distance_is_that_of_python_integers(left: list[float], right: list[float]) -> None:
    count = min(len(left), len(right))
    a, b = np.array(left[:count], np.float32), np.array(right[:count], np.float32)

    def position(value: np.float32) -> int:
        magnitude = int(np.abs(value).view(np.uint32))
        return -magnitude if math.copysign(1, value) < 0 else magnitude

    want = [0 if np.isnan(x) or np.isnan(y) else abs(position(x) - position(y)) for x, y in zip(a, b, strict=True)]
    assert ulp_distance(a, b).tolist() == want


def test_other_layouts_and_scalars_are_taken() -> None:
    values: npt.NDArray[np.float32] = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert (ulp_distance(values.T, values.T.copy()) == 0).all()
    assert ulp_distance(np.array(1, np.float32), np.array(1, np.float32)).shape == ()


def test_types_that_are_not_floating_are_refused() -> None:
    with pytest.raises(TypeError, match="ULP distance of int64"):
        ulp_distance(np.zeros(1, np.int64), np.zeros(1, np.int64))
    with pytest.raises(TypeError, match="float32 and float64"):
        ulp_distance(np.zeros(1, np.float32), np.zeros(1, np.float64))
