"""Operators of one operand, at the places where CNTK has rules of its own: 0, negatives, infinities, NaN."""

import cntk
import numpy as np

from recorder.operators.operands import on_batch

INF, NAN = np.inf, np.nan


def column(*values: float) -> np.ndarray:
    """A batch of two rows that together hold `values`."""
    padded = list(values) + [1.0] * (len(values) % 2)
    return np.array(padded, dtype=np.float32).reshape(2, -1)


PLAIN = column(
    -3.7, -2.5, -1.5, -1.0, -0.5, -1e-3, 0.0, -0.0, 1e-3, 0.49999997, 0.5, 1.0, 1.5, 2.5, 3.7, 1e6, -1e6, INF, -INF, NAN
)
MODERATE = column(-20.0, -5.0, -1.0, -0.25, 0.0, 0.25, 1.0, 5.0, 20.0, INF, -INF, NAN)
UNIT = column(-1.0, -0.99, -0.5, 0.0, 0.5, 0.99, 1.0, 1.5, -1.5, NAN)

CASES = {
    "abs": on_batch(cntk.abs, PLAIN),
    "acos": on_batch(cntk.acos, UNIT),
    "asin": on_batch(cntk.asin, UNIT),
    "asinh": on_batch(cntk.asinh, MODERATE),
    "atan": on_batch(cntk.atan, PLAIN),
    "atanh": on_batch(cntk.atanh, UNIT),
    "ceil": on_batch(cntk.ceil, PLAIN),
    "cos": on_batch(cntk.cos, MODERATE),
    "cosh": on_batch(cntk.cosh, MODERATE),
    "elu": on_batch(lambda x: (cntk.elu(x), cntk.elu(x, alpha=0.3)), MODERATE),
    "exp": on_batch(cntk.exp, column(-110.0, -104.0, -87.0, -1.0, 0.0, 1.0, 88.0, 89.0, INF, -INF, NAN)),
    "floor": on_batch(cntk.floor, PLAIN),
    "hard_sigmoid": on_batch(lambda x: cntk.hard_sigmoid(x, 0.2, 0.5), PLAIN),
    "leaky_relu": on_batch(lambda x: (cntk.leaky_relu(x), cntk.leaky_relu(x, 0.2)), PLAIN),
    "log": on_batch(cntk.log, column(-1.0, 0.0, -0.0, 1e-38, 9e-38, 1.1e-37, 1e-30, 0.5, 1.0, 10.0, 1e30, INF, -INF, NAN)),
    "logistic_tails": on_batch(
        lambda x: cntk.log(cntk.sigmoid(x)), column(-80.0, -50.0, -20.0, -18.0, -1.0, 0.0, 1.0, 20.0, 80.0, NAN)
    ),
    "negate": on_batch(cntk.negate, PLAIN),
    "param_relu": on_batch(lambda x: cntk.param_relu(cntk.constant([[0.1], [0.5]]), x), np.stack([PLAIN, PLAIN[::-1]])),
    "reciprocal": on_batch(cntk.reciprocal, column(-4.0, -1e-30, -0.0, 0.0, 1e-30, 0.5, 3.0, INF, -INF, NAN)),
    "relu": on_batch(cntk.relu, column(-1e6, -3.7, -1e-3, -0.0, 0.0, 1e-3, 0.5, 3.7, 1e6, INF, NAN)),
    "relu_of_negative_infinity": on_batch(cntk.relu, column(-INF, 1.0)),
    "round": on_batch(cntk.round, PLAIN),
    "selu": on_batch(cntk.selu, MODERATE),
    "sigmoid": on_batch(cntk.sigmoid, column(-100.0, -88.0, -30.0, -18.5, -1.0, 0.0, 1.0, 17.0, 100.0, INF, -INF, NAN)),
    "sin": on_batch(cntk.sin, MODERATE),
    "sinh": on_batch(cntk.sinh, MODERATE),
    "softplus": on_batch(lambda x: (cntk.softplus(x), cntk.softplus(x, steepness=4)), MODERATE),
    "softsign": on_batch(cntk.softsign, PLAIN),
    "sqrt": on_batch(cntk.sqrt, column(-4.0, -1e-9, -0.0, 0.0, 1e-30, 2.0, 9.0, INF, -INF, NAN)),
    "square": on_batch(cntk.square, PLAIN),
    "straight_through": on_batch(cntk.straight_through_impl, PLAIN),
    "tan": on_batch(cntk.tan, column(-1.5, -1.0, 0.0, 0.5, 1.0, 1.5, 3.0, NAN)),
    "tanh": on_batch(cntk.tanh, MODERATE),
    "identities": on_batch(lambda x: (cntk.stop_gradient(x), cntk.alias(x, name="alias"), cntk.dropout(x, 0.5, seed=1)), PLAIN),
    "constant_like": on_batch(lambda x: (cntk.ones_like(x), cntk.zeros_like(x)), PLAIN),
}  # type: Family
