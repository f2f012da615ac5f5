"""Text classifier: windows of several widths over the sequence, each reduced to its maximum."""

import cntk
from cntk.layers import Convolution, Dense, Embedding, SequentialConvolution

from recorder.case import Case, case
from recorder.networks.sequences import one_hot_sequences
from recorder.parameters import fill_parameters

VOCABULARY = 60


def build() -> Case:
    """Both ways that the layers library has to convolve over a sequence: shifted copies, and an unpacked axis."""
    words = cntk.sequence.input_variable(VOCABULARY, is_sparse=True, name="words")
    embedded = Embedding(16)(words)
    shifted = [Convolution((width,), 10, activation=cntk.relu, pad=True, sequential=True)(embedded) for width in (2, 3, 5)]
    unpacked = SequentialConvolution((3,), 8, activation=cntk.relu, pad=True)(embedded)
    pooled = [cntk.sequence.reduce_max(window) for window in [*shifted, unpacked]]
    classes = Dense(4, name="classes")(cntk.splice(*pooled))
    return case(fill_parameters(classes, seed=16), {words: one_hot_sequences(17, [9, 1, 4, 14], VOCABULARY)})
