"""Recurrences that are neither a plain LSTM nor a GRU."""

import cntk
from cntk.layers import LSTM, Dense, Recurrence

from recorder.case import Case, case
from recorder.networks.sequences import dense_sequences
from recorder.parameters import fill_parameters

STATE = 7


def build_peephole() -> Case:
    """LSTM with peepholes and stabilisers, backwards, fed by a projected one with an activation of its own."""
    signal = cntk.sequence.input_variable(5, name="signal")
    projected = Recurrence(LSTM(6, cell_shape=9, activation=cntk.softsign))(signal)
    peephole = LSTM(STATE, use_peepholes=True, enable_self_stabilization=True)
    states = Recurrence(peephole, go_backwards=True)(projected)
    model = fill_parameters(Dense(3, name="score")(states), seed=27, gain=1.5)
    return case(model, {signal: dense_sequences(28, [3, 8, 1], 5)})


def build_custom() -> Case:
    """A cycle closed by hand: a leaky memory with a gate, a delay of two steps and a non-zero start."""
    signal = cntk.sequence.input_variable(5, name="signal")
    rate = cntk.parameter(STATE, name="rate")
    memory = cntk.placeholder(STATE, name="memory")
    one_ago = cntk.sequence.past_value(memory, initial_state=0.5)
    two_ago = cntk.sequence.past_value(memory, initial_state=-0.25, time_step=2)
    inward, around = cntk.parameter((5, STATE), name="W"), cntk.parameter((STATE, STATE), name="R")
    drive = cntk.times(signal, inward) + cntk.times(one_ago, around)
    gate = cntk.sigmoid(rate + two_ago)
    leaky = gate * one_ago + (1 - gate) * cntk.tanh(drive)
    states = cntk.alias(leaky, name="states").replace_placeholders({memory: leaky.output})
    model = fill_parameters(states, seed=29)
    return case(model, {signal: dense_sequences(30, [6, 1, 4, 2], 5)})
