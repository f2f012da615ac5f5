"""Distance between floating-point numbers, counted in representable numbers between them (units in the last place).

The bits of an IEEE number, read as sign and magnitude, are in the order of the numbers: neighbours differ by one, whatever
their exponent. The two zeros are one point, so that the distance from the least negative to the least positive denormal is 2.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

_BITS: Mapping[str, type[np.signedinteger]] = {"float16": np.int16, "float32": np.int32, "float64": np.int64}


def ulp_distance(got: npt.NDArray[np.generic], want: npt.NDArray[np.generic]) -> npt.NDArray[np.uint64]:
    """How many steps apart each pair is; both of one shape and of one type: float16, float32 or float64.

    Pairs in which either is NaN are 0 apart here: whether NaN meets NaN is not a matter of distance. Infinity is the
    neighbour of the greatest finite number. ``TypeError`` for any other type.
    """
    if got.dtype != want.dtype or got.dtype.name not in _BITS:
        raise TypeError(f"ULP distance of {got.dtype} and {want.dtype}; expected one of {', '.join(_BITS)} on both sides")
    first, second = _position(got), _position(want)
    distance = np.maximum(first, second) - np.minimum(first, second)
    unordered = np.not_equal(got, got) | np.not_equal(want, want)  # Only NaN is not itself.
    return np.where(unordered, np.uint64(0), distance) if unordered.any() else distance


def _position(values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint64]:
    """The place of each number among all numbers of its type, zero at 2**63."""
    kind = _BITS[values.dtype.name]
    bits = np.ascontiguousarray(values).view(kind).reshape(values.shape)
    # Two's complement of the magnitude where the sign bit is set, without a branch for each element.
    sign = bits >> (8 * values.dtype.itemsize - 1)
    signed = ((bits & np.iinfo(kind).max) ^ sign) - sign
    return signed.astype(np.int64, copy=False).view(np.uint64) ^ np.uint64(1 << 63)
