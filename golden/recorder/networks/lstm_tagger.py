"""Slot tagger: sparse one-hot words, embedding, LSTM, one label per word, as in CNTK's own language-understanding tutorial."""

import cntk
from cntk.layers import LSTM, Dense, Embedding, Recurrence, Sequential

from recorder.case import Case, case
from recorder.networks.sequences import one_hot_sequences
from recorder.parameters import fill_parameters

VOCABULARY = 80
LABELS = 12


def build() -> Case:
    """Five sequences of 1 to 11 words."""
    words = cntk.sequence.input_variable(VOCABULARY, is_sparse=True, name="words")
    tags = Sequential([Embedding(32), Recurrence(LSTM(48)), Dense(LABELS, name="tags")])(words)
    return case(fill_parameters(tags, seed=2), {words: one_hot_sequences(3, [7, 1, 11, 4, 2], VOCABULARY)})
