"""Bidirectional GRU encoder: two stacked layers, the first in both directions, then the whole sequence as one vector."""

import cntk
from cntk.layers import GRU, Dense, Fold, Recurrence

from recorder.case import Case, case
from recorder.networks.sequences import dense_sequences
from recorder.parameters import fill_parameters


def build() -> Case:
    """Outputs: the states of every step, and one vector for each sequence."""
    features = cntk.sequence.input_variable(10, name="features")
    forward = Recurrence(GRU(14))(features)
    backward = Recurrence(GRU(14), go_backwards=True)(features)
    states = cntk.splice(forward, backward, name="states")
    folded = cntk.splice(Fold(GRU(9))(states), Fold(GRU(9), go_backwards=True)(states))
    encoding = Dense(7, activation=cntk.tanh, name="encoding")(folded)
    model = fill_parameters(cntk.combine([states, encoding]), seed=7)
    return case(model, {features: dense_sequences(8, [6, 1, 9, 3], 10)})
