"""A regressor in float64: dense, batch normalisation, LSTM and GRU, which float32 kernels would answer too coarsely."""

import cntk
import numpy as np
from cntk.layers import GRU, LSTM, Dense, Fold, Recurrence

from recorder.case import Case, case
from recorder.networks.sequences import dense_sequences
from recorder.parameters import fill_parameters


def build() -> Case:
    """Outputs: a value for every step, and one for each sequence."""
    with cntk.default_options(dtype=np.float64):
        signal = cntk.sequence.input_variable(6, dtype=np.float64, name="signal")
        hidden = Recurrence(LSTM(11))(Dense(8, activation=cntk.elu)(signal))
        steps = Dense(2, name="steps")(hidden)
        total = Dense(3, activation=cntk.tanh, name="total")(Fold(GRU(5))(hidden))
    model = fill_parameters(cntk.combine([steps, total]), seed=25)
    sequences = [sequence.astype(np.float64) / 3 for sequence in dense_sequences(26, [4, 10, 1], 6)]
    return case(model, {signal: sequences})
