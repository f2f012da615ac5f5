"""The same element-wise operators in float64 and float16, and casts between the three types."""

from typing import Any, Callable, List

import cntk
import numpy as np

from recorder.operators.operands import Builder, on_batch

VALUES = [-30.0, -3.5, -1.0, -0.3, -0.0, 0.0, 1e-3, 0.3, 0.5, 1.0, 2.5, 30.0]


def in_type(functions: List[Callable[..., Any]], dtype: Any) -> Builder:
    """All of `functions` on one input of type `dtype`, an output for each."""
    return on_batch(lambda x: [function(x) for function in functions], np.array(VALUES, dtype=dtype).reshape(3, 4))


EVERYWHERE = [
    cntk.abs,
    cntk.exp,
    cntk.floor,
    cntk.log,
    cntk.negate,
    cntk.reciprocal,
    cntk.relu,
    cntk.sigmoid,
    cntk.softplus,
    cntk.sqrt,
    cntk.tanh,
    cntk.softmax,
    lambda x: cntk.reduce_sum(x, axis=-1),
    lambda x: cntk.greater(x, cntk.constant(0.25, dtype=x.dtype)),
    lambda x: x * x + x,
]
ONLY_DOUBLE = [cntk.atan, cntk.cos, cntk.cosh, cntk.elu, cntk.round, cntk.selu, cntk.sin, cntk.sinh, cntk.softsign, cntk.asinh]

CASES = {
    "float16_elementwise": in_type(EVERYWHERE, np.float16),
    "float64_elementwise": in_type(EVERYWHERE + ONLY_DOUBLE, np.float64),
    "float64_convolution": on_batch(
        lambda x: cntk.convolution(
            cntk.constant(np.linspace(-1, 1, 54).reshape(2, 3, 3, 3)), x, auto_padding=[False, True, True]
        ),
        np.linspace(-1, 1, 2 * 3 * 5 * 4).reshape(2, 3, 5, 4),
    ),
    "float64_pooling": on_batch(
        lambda x: (
            cntk.pooling(x, cntk.AVG_POOLING, (2, 2), strides=(2, 2)),
            cntk.pooling(x, cntk.MAX_POOLING, (3, 3), strides=(2, 2), auto_padding=[True]),
        ),
        np.sin(np.arange(2 * 3 * 6 * 4.0)).reshape(2, 3, 6, 4),
    ),
    "cast": on_batch(
        lambda x: (cntk.cast(x, np.float16), cntk.cast(x, np.float64), cntk.cast(cntk.cast(x, np.float16), np.float32)),
        np.array([[0.1, 1.0 / 3, 70000.0, -2049.0], [1e-8, 65504.0, 2048.5, -0.0]], dtype=np.float32),
    ),
}  # type: Family
