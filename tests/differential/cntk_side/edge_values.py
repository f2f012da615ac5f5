"""Element-wise operators on values at the edges of their domains and of their types."""

from typing import Any

import cntk
import numpy as np
from recorder.case import Case

from cntk_side.program import Program

INF, NAN = np.inf, np.nan
EDGES = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 1.5, 2.5, 0.49999997, 7.25, -7.25, 20.0, -20.0, 60.0, -60.0)
FAR = (INF, -INF, NAN, 1e-30, -1e-30, 1e-37, 5e-38, 1e-40, -1e-40, 1e30, -1e30, 88.0, 89.0, -88.0, -104.0, 3e38, -3e38, 2e9, 3e9)
UNARY = [
    cntk.abs,
    cntk.acos,
    cntk.asin,
    cntk.asinh,
    cntk.atan,
    cntk.atanh,
    cntk.ceil,
    cntk.cos,
    cntk.cosh,
    cntk.elu,
    cntk.exp,
    cntk.floor,
    cntk.leaky_relu,
    cntk.log,
    cntk.negate,
    cntk.reciprocal,
    cntk.round,
    cntk.selu,
    cntk.sigmoid,
    cntk.sin,
    cntk.sinh,
    cntk.softplus,
    cntk.softsign,
    cntk.sqrt,
    cntk.square,
    cntk.tan,
    cntk.tanh,
    cntk.element_not,
    cntk.zeros_like,
    lambda x: cntk.softplus(x, steepness=3),
    lambda x: cntk.softsign(x, steepness=0.5),
    lambda x: cntk.elu(x, alpha=0.3),
    lambda x: cntk.leaky_relu(x, alpha=0.2),
    lambda x: cntk.hard_sigmoid(x, 0.2, 0.5),
    lambda x: cntk.clip(x, -1, 2),
    lambda x: cntk.param_relu(cntk.constant([0.25], dtype=x.dtype), x),
]
# What compares: an order that holds a NaN is nobody's promise, and neither is a row of nothing but -inf.
ORDERED = [
    cntk.softmax,
    cntk.log_softmax,
    cntk.hardmax,
    cntk.reduce_max,
    cntk.reduce_min,
    cntk.reduce_sum,
    cntk.argmax,
    cntk.argmin,
    cntk.reduce_log_sum_exp,
    cntk.relu,
]
BINARY = (
    cntk.plus,
    cntk.minus,
    cntk.element_times,
    cntk.element_divide,
    cntk.pow,
    cntk.log_add_exp,
    cntk.element_max,
    cntk.element_min,
    cntk.less,
    cntk.less_equal,
    cntk.greater,
    cntk.greater_equal,
    cntk.equal,
    cntk.not_equal,
    cntk.element_and,
    cntk.element_or,
    cntk.element_xor,
)
PERIODIC = (cntk.sin, cntk.cos, cntk.tan)


def values(p: Program, dtype: type, far: bool) -> np.ndarray:
    with np.errstate(over="ignore"):
        pool = np.array(EDGES + FAR if far else EDGES, dtype)
    found = p.random.choice(pool, (p.samples, p.integer(2, 8)))
    noise = p.random.standard_normal(found.shape).astype(dtype)
    return np.where(p.random.uniform(size=found.shape) < 0.2, noise, found)


def unary(p: Program) -> Any:
    dtype = p.dtype
    function = p.one(UNARY)
    return function(cntk.alias(p.batch_of(values(p, dtype, p.chance(0.5) and function not in PERIODIC))))


def ordered(p: Program) -> Any:
    given = values(p, p.dtype, p.chance(0.5))
    return p.one(ORDERED)(p.batch_of(np.where(np.isfinite(given), given, p.dtype(3))))


def binary(p: Program) -> Any:
    dtype = p.dtype
    left = values(p, dtype, p.chance(0.5))
    right = p.random.permutation(left.reshape(-1)).reshape(left.shape)
    return p.one(BINARY)(p.batch_of(left), p.batch_of(right))


def ternary(p: Program) -> Any:
    dtype = p.dtype
    first = values(p, dtype, far=True)
    others = [p.random.permutation(first.reshape(-1)).reshape(first.shape) for _ in range(2)]
    return p.one([cntk.clip, cntk.element_select])(*(p.batch_of(each) for each in [first, *others]))


def cast(p: Program) -> Any:
    return cntk.cast(p.batch_of(values(p, p.dtype, p.chance(0.5))), dtype=p.one([np.float32, np.float64, np.float16]))


def build(p: Program) -> Case:
    """Two or three operators, each on inputs of its own."""
    p.dtype = p.one([np.float32, np.float32, np.float64, np.float16])
    p.grow((unary, unary, unary, ordered, binary, binary, ternary, cast), p.integer(2, 3))
    return p.finish()
