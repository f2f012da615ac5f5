"""Whether every number of an array is finite, read once and at the speed of memory.

The product of an array with itself is not finite where an element is not: infinity squared is infinity, and nothing makes a
number of not-a-number. One pass of BLAS tells, without an array in between. A product that overflows although every element
is finite asks for a second, careful pass.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

_HALF_EXPONENT = np.uint16(0x7C00)


def all_finite(array: Array) -> bool:
    """Whether every element of a floating-point array, of any shape and layout, is finite."""
    if array.dtype.itemsize == 2:
        return _half_finite(array)
    # Not the method ``dot``, which warns of an overflow.
    if math.isfinite(np.vdot(array, array)):
        return True
    return bool(np.isfinite(array).all())


def _half_finite(array: Array) -> bool:
    """BLAS knows no halves. An exponent of ones alone is what infinities and not-a-number have."""
    bits = np.bitwise_and(np.ascontiguousarray(array).view(np.uint16), _HALF_EXPONENT)
    return not bits.size or bool(bits.max() != _HALF_EXPONENT)
