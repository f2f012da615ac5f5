"""Operators of two or three operands: arithmetic, comparison, logic, selection, and how static shapes broadcast."""

import itertools
from typing import Tuple

import cntk
import numpy as np

from recorder.operators.operands import applied, batched, mixed, named, on_batch, ragged, ramp, sequences

INF, NAN = np.inf, np.nan


def pairs(*values: float) -> Tuple[np.ndarray, np.ndarray]:
    """Every value against every value: two arrays of one row each for every first operand."""
    grid = np.array(list(itertools.product(values, values)), dtype=np.float32)
    return grid[:, 0].reshape(len(values), -1), grid[:, 1].reshape(len(values), -1)


ARITHMETIC = pairs(-INF, -2.0, -0.0, 0.0, 3.0, INF, NAN)
ORDERED = pairs(-INF, -1.0, -0.0, 0.0, 1.0, INF, NAN)
TRUTH = pairs(-1.0, 0.0, 0.5, 1.0)

CASES = {
    "plus_minus_times": on_batch(lambda x, y: (x + y, x - y, x * y), *ARITHMETIC),
    "element_divide": on_batch(cntk.element_divide, *ARITHMETIC),
    "pow": on_batch(cntk.pow, *pairs(-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0)),
    "pow_of_infinities": on_batch(cntk.pow, *pairs(-INF, -1.0, 0.5, 1.0, 2.0, 3.0, INF)),
    "log_add_exp": on_batch(cntk.log_add_exp, *pairs(-100.0, -5.0, 0.0, 0.1, 100.0)),
    "equal": on_batch(lambda x, y: (cntk.equal(x, y), cntk.not_equal(x, y)), *ORDERED),
    "less": on_batch(lambda x, y: (cntk.less(x, y), cntk.less_equal(x, y)), *ORDERED),
    "greater": on_batch(lambda x, y: (cntk.greater(x, y), cntk.greater_equal(x, y)), *ORDERED),
    "element_max_min": on_batch(lambda x, y: (cntk.element_max(x, y), cntk.element_min(x, y)), *ORDERED),
    "logic": on_batch(
        lambda x, y: (cntk.element_and(x, y), cntk.element_or(x, y), cntk.element_xor(x, y), cntk.element_not(x)), *TRUTH
    ),
    "clip": on_batch(
        lambda x: (cntk.clip(x, -1.0, 2.0), cntk.clip(x, 2.0, -1.0), cntk.clip(x, cntk.constant([[-1], [0.5]]), 1.0)),
        np.array([[[-INF, -1.5, -1.0, 0.0], [0.5, 0.7, 3.0, NAN]]], dtype=np.float32),
    ),
    "element_select": on_batch(
        cntk.element_select,
        np.array([[0.0, -0.0, 1.0, -1.0, 0.25, NAN]], dtype=np.float32),
        ramp(1, 6),
        ramp(1, 6, low=10, high=20),
    ),
    "sum_and_mean": on_batch(lambda x, y, z: (cntk.sum(x, y, z), cntk.mean(x, y, z)), ramp(2, 3), ramp(2, 3, high=9), ramp(2, 3)),
    "broadcast_batch_equal_to_static": on_batch(lambda x, y: (x + y, y - x, x * 2 + y), ramp(3, 3), ramp(3, 3, 3)),
    "broadcast_both_ways": on_batch(lambda x, y: x * y, ramp(2, 4, 1, 3), ramp(2, 5, 1)),
    "broadcast_parameter_above": on_batch(lambda x: (x + cntk.constant(ramp(2, 3)), x * cntk.constant(2.5)), ramp(4, 3)),
    "broadcast_scalar": on_batch(lambda x, y: x - y, np.array([1.0, 2.0], dtype=np.float32), ramp(2, 2, 3)),
    "broadcast_batch_over_sequence": applied(
        lambda x, y: x + cntk.sequence.broadcast_as(y, x),
        lambda: mixed(sequences(ragged(40, [3, 1, 2], 2)), named(batched(ramp(3, 2)), "y")),
    ),
}  # type: Family
