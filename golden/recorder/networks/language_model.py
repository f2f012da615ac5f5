"""Word language model: sparse words, embedding, two stabilised LSTM layers, logits of the next word."""

import cntk
from cntk.layers import LSTM, Dense, Embedding, Recurrence, Sequential, Stabilizer

from recorder.case import Case, case
from recorder.networks.sequences import one_hot_sequences
from recorder.parameters import fill_parameters

VOCABULARY = 120


def build() -> Case:
    """Outputs: logits and their logarithmic softmax."""
    words = cntk.sequence.input_variable(VOCABULARY, is_sparse=True, name="words")
    logits = Sequential(
        [
            Embedding(24),
            Stabilizer(),
            Recurrence(LSTM(32, enable_self_stabilization=True)),
            Stabilizer(),
            Recurrence(LSTM(32, enable_self_stabilization=True)),
            Stabilizer(),
            Dense(VOCABULARY, name="next_word"),
        ]
    )(words)
    model = cntk.combine([logits, cntk.log_softmax(logits, name="log_probabilities")])
    return case(fill_parameters(model, seed=9, gain=1.5), {words: one_hot_sequences(10, [5, 12, 1], VOCABULARY)})
