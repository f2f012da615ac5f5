"""Operators that see, make or drop a sequence axis, on ragged batches with a sequence of one step."""

import cntk
import numpy as np

from recorder.operators.operands import applied, batched, mixed, named, on_sequences, ragged, ramp
from recorder.operators.operands import sequences as sequence_operands

STEPS = [np.arange(1, 6, dtype=np.float32)[:, None], np.array([[7]], dtype=np.float32), np.array([[8], [9]], dtype=np.float32)]
WIDE = ragged(120, [4, 1, 6], 3)
CHOICE = [np.array(row, dtype=np.float32)[:, None] for row in ([1, 0, 1, 0, 1], [1], [0, 1])]
REPEATS = [np.array(row, dtype=np.float32)[:, None] for row in ([2, 0, 1, 0, 3], [1], [0.5, 0.5])]
FRACTIONS = [
    np.full((7, 1), 1 / 3, dtype=np.float32),
    np.array([[0.4]], dtype=np.float32),
    np.full((2, 1), 1.5, dtype=np.float32),
]


def start_and_steps():
    """A start value for each sequence beside the sequences."""
    return mixed(sequence_operands(STEPS), named(batched(ramp(3, 1, low=100, high=300)), "y"))


CASES = {
    "past_value": on_sequences(
        lambda x: (
            cntk.sequence.past_value(x),
            cntk.sequence.past_value(x, initial_state=-1.5, time_step=2),
            cntk.sequence.past_value(x, initial_state=0.25, time_step=9),
        ),
        STEPS,
    ),
    "future_value": on_sequences(
        lambda x: (cntk.sequence.future_value(x), cntk.sequence.future_value(x, initial_state=-1.5, time_step=2)), STEPS
    ),
    "delay_from_batch_state": applied(
        lambda x, y: (cntk.sequence.past_value(x, y, 2), cntk.sequence.future_value(x, y, 1)), start_and_steps
    ),
    "first_and_last": on_sequences(lambda x: (cntk.sequence.first(x), cntk.sequence.last(x)), WIDE),
    "is_first_and_is_last": on_sequences(lambda x: (cntk.sequence.is_first(x), cntk.sequence.is_last(x)), WIDE),
    "sequence_slice": on_sequences(
        lambda x: (
            cntk.sequence.slice(x, 0, 2),
            cntk.sequence.slice(x, -2, 0),
            cntk.sequence.slice(x, -3, -1),
        ),
        ragged(121, [4, 2, 6], 3),
    ),
    "where": on_sequences(cntk.sequence.where, [row[:, 0] for row in CHOICE]),
    "where_repeats": on_sequences(cntk.sequence.where, [row[:, 0] for row in REPEATS]),
    "where_fractions": on_sequences(cntk.sequence.where, [row[:, 0] for row in FRACTIONS]),
    "sequence_gather": on_sequences(cntk.sequence.gather, STEPS, CHOICE),
    "sequence_scatter": on_sequences(lambda x, y: cntk.sequence.scatter(cntk.sequence.gather(x * 10, y), y), STEPS, CHOICE),
    "sequence_softmax": on_sequences(cntk.sequence.softmax, WIDE),
    "broadcast_as": applied(lambda x, y: cntk.sequence.broadcast_as(y, x), start_and_steps),
    "reconcile_without_axes": on_sequences(lambda x: cntk.reconcile_dynamic_axes(cntk.constant(ramp(2)), x), STEPS),
    "unpack_with_mask": on_sequences(lambda x: cntk.sequence.unpack(x, -9.0).outputs, WIDE),
    "unpack_without_mask": on_sequences(lambda x: cntk.sequence.unpack(x, 0.5, no_mask_output=True), WIDE),
    "unpack_and_back": on_sequences(
        lambda x: cntk.to_sequence_like(cntk.sequence.unpack(x * 2, 0, no_mask_output=True), x), WIDE
    ),
    "to_sequence": applied(cntk.to_sequence, lambda: batched(ramp(2, 4, 3))),
    "to_sequence_with_lengths": applied(cntk.to_sequence, lambda: batched(ramp(3, 4, 2), np.array([4, 1, 2], dtype=np.float32))),
    "elementwise_over_sequence": on_sequences(lambda x, y: cntk.log(x) * y + 1, WIDE, ragged(122, [4, 1, 6], 3)),
}  # type: Family
