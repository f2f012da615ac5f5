"""Times and TransposeTimes: which axes are contracted, and which operand has dynamic axes."""

import cntk
import numpy as np

from recorder.case import Case, case
from recorder.operators.operands import applied, batched, mixed, named, on_batch, on_sequences, ragged, ramp, static


def weight(*shape: int) -> cntk.Parameter:
    """A parameter with a value in every element that no other has."""
    return cntk.parameter(shape, init=ramp(*shape, low=-1.0, high=1.5))


def sparse_times() -> Case:
    """A sparse batch with several ones per row, one of them empty."""
    rows = cntk.input_variable(9, is_sparse=True, name="x")
    value = np.zeros((3, 9), dtype=np.float32)
    value[0, [1, 4]], value[2, [0, 8]] = (1.0, 2.5), (-1.0, 1.0)
    return case(cntk.times(rows, weight(9, 4)), {rows: value})


def sequence_product() -> Case:
    """Times whose contraction runs over the sequence axis itself: a weighted sum of the steps."""
    weights = cntk.sequence.input_variable(1, name="x")
    values = cntk.sequence.input_variable(3, name="y")
    product = cntk.times(weights, values, infer_input_rank_to_map=cntk.TIMES_REDUCE_SEQUENCE_AXIS_WITHOUT_INFERRED_INPUT_RANK)
    lengths = [4, 1, 2]
    return case(product, {weights: ragged(41, lengths, 1), values: ragged(42, lengths, 3)})


CASES = {
    "times_matrix": on_batch(lambda x: cntk.times(x, weight(3, 4)), ramp(2, 3)),
    "times_keeps_leading_axes": on_batch(lambda x: cntk.times(x, weight(3, 4)), ramp(2, 5, 3)),
    "times_two_axes": on_batch(lambda x: cntk.times(x, weight(2, 3, 4)), ramp(3, 2, 3)),
    "times_output_rank_2": on_batch(lambda x: cntk.times(x, weight(3, 4, 5), output_rank=2), ramp(2, 2, 3)),
    "times_batched_both": on_batch(cntk.times, ramp(2, 4, 3), ramp(2, 3, 5, high=1)),
    "times_outer_product": on_batch(lambda x: cntk.times(x, weight(4), output_rank=1), ramp(2, 1)),
    "times_constant_left": on_batch(lambda x: cntk.times(weight(4, 3), x), ramp(3, 3, 2)),
    "times_over_sequence": on_sequences(lambda x: cntk.times(x, weight(3, 2)), ragged(43, [2, 5, 1], 3)),
    "times_reduces_sequence_axis": sequence_product,
    "times_sparse": sparse_times,
    "times_without_batch": applied(cntk.times, lambda: mixed(named(batched(ramp(2, 3)), "x"), named(static(ramp(3, 2)), "y"))),
    "times_transpose": on_batch(lambda x: cntk.times_transpose(x, weight(4, 3)), ramp(2, 3)),
    "times_transpose_vectors": on_batch(cntk.times_transpose, ramp(3, 4), ramp(3, 4, high=1)),
}  # type: Family
