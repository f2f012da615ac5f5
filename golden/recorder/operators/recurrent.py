"""Recurrent cells of the layers library alone, in their less common forms."""

from typing import Any

import cntk
from cntk.layers import GRU, LSTM, Recurrence, RecurrenceFrom, RNNStep
from cntk.misc.optimized_rnnstack_converter import convert_optimized_rnnstack

from recorder.case import Case, case
from recorder.operators.operands import Builder, ragged, scattered
from recorder.parameters import fill_parameters

LENGTHS = [4, 1, 3]


def recurrence(cell: Any, seed: int, **options: Any) -> Builder:
    """`cell()` run over a ragged batch of width 3."""

    def build() -> Case:
        x = cntk.sequence.input_variable(3, name="x")
        return case(fill_parameters(Recurrence(cell(), **options)(x), seed), {x: ragged(seed + 1, LENGTHS, 3)})

    return build


def from_state() -> Case:
    """An LSTM whose first states are inputs."""
    x = cntk.sequence.input_variable(3, name="x")
    hidden, memory = (cntk.input_variable(4, name=name) for name in ("hidden", "memory"))
    states = RecurrenceFrom(LSTM(4))(hidden, memory, x)
    feed = {x: ragged(147, LENGTHS, 3), hidden: scattered(148, 3, 4), memory: scattered(149, 3, 4)}
    return case(fill_parameters(states, 146), feed)


def optimized_stack(operator: str, gates: int, *, bidirectional: bool) -> Builder:
    """Two layers of cuDNN's recurrent network, whose parameters are one opaque matrix.

    CNTK computes it on a GPU only; the values are those of the plain network that CNTK's own converter makes of it.
    """
    width, hidden, directions = 3, 4, 2 if bidirectional else 1
    layers = (width, hidden * directions)
    size = sum(directions * gates * hidden * (inward + hidden + 2) for inward in layers)

    def build() -> Case:
        x = cntk.sequence.input_variable(width, name="x")
        weights = cntk.parameter((size // hidden, hidden), init=0.4 * scattered(150, size // hidden, hidden))
        stack = cntk.optimized_rnnstack(x, weights, hidden, len(layers), bidirectional, operator)
        note = "the outputs are those of cntk.misc's conversion of the model, which alone runs on a CPU"
        recorded = case(stack, {x: ragged(151, LENGTHS, width)}, note=note)
        return recorded._replace(stand_in=convert_optimized_rnnstack)

    return build


CASES = {
    "optimized_rnn_stack_lstm": optimized_stack("lstm", 4, bidirectional=True),
    "optimized_rnn_stack_relu": optimized_stack("rnnReLU", 1, bidirectional=False),
    "rnn_step": recurrence(lambda: RNNStep(4), 140),
    "rnn_step_relu_backwards": recurrence(lambda: RNNStep(4, activation=cntk.relu), 141, go_backwards=True),
    "lstm_peepholes": recurrence(lambda: LSTM(4, use_peepholes=True), 142),
    "lstm_projected": recurrence(lambda: LSTM(3, cell_shape=5), 143),
    "gru_stabilised": recurrence(lambda: GRU(4, enable_self_stabilization=True), 144),
    "gru_backwards_from_constant": recurrence(lambda: GRU(4), 145, go_backwards=True, initial_state=0.3),
    "lstm_from_state": from_state,
}  # type: Family
