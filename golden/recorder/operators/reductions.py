"""Reductions over static axes, the batch, the sequence and everything."""

import cntk
import numpy as np

from recorder.operators.operands import on_batch, on_sequences, ragged, ramp, scattered

PRIMITIVES = (
    cntk.reduce_sum,
    cntk.reduce_mean,
    cntk.reduce_max,
    cntk.reduce_min,
    cntk.reduce_prod,
    cntk.reduce_log_sum_exp,
)
COMPOSED = (cntk.reduce_l1, cntk.reduce_l2, cntk.reduce_sum_square)
CUBE = scattered(110, 2, 3, 4)
RAGGED = ragged(111, [3, 1, 4], 2)

CASES = {
    "reduce_last_axis": on_batch(lambda x: [reduce(x, axis=-1) for reduce in PRIMITIVES + COMPOSED], CUBE),
    "reduce_drops_axis": on_batch(lambda x: [reduce(x, axis=0, keepdims=False) for reduce in PRIMITIVES + COMPOSED], CUBE),
    "reduce_two_axes": on_batch(lambda x: [reduce(x, axis=(0, 2)) for reduce in PRIMITIVES], ramp(2, 3, 2, 4)),
    "reduce_static_axes": on_batch(lambda x: [reduce(x) for reduce in PRIMITIVES], CUBE),
    "reduce_batch_axis": on_batch(
        lambda x: [reduce(x, axis=cntk.Axis.default_batch_axis()) for reduce in PRIMITIVES], scattered(112, 4, 3)
    ),
    "reduce_all_axes": on_sequences(lambda x: [reduce(x, axis=cntk.Axis.all_axes()) for reduce in PRIMITIVES], RAGGED),
    "reduce_each_step": on_sequences(lambda x: [reduce(x, axis=0) for reduce in PRIMITIVES], RAGGED),
    "reduce_sequence_axis": on_sequences(lambda x: (cntk.sequence.reduce_sum(x), cntk.sequence.reduce_max(x - 5)), RAGGED),
    "reduce_accumulates_in_double": on_batch(
        lambda x: (cntk.reduce_sum(x), cntk.reduce_mean(x)), np.full((2, 100000), 0.1, dtype=np.float32)
    ),
    "reduce_log_sum_exp_of_large": on_batch(
        lambda x: cntk.reduce_log_sum_exp(x, axis=-1), np.array([[1000, 1000, 999], [-1000, -1001, -1002]], dtype=np.float32)
    ),
}  # type: Family
