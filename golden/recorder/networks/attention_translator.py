"""Sequence-to-sequence with attention, as in CNTK's grapheme-to-phoneme tutorial, with a teacher-forced decoder."""

import cntk
from cntk.layers import LSTM, AttentionModel, Dense, Embedding, Recurrence, RecurrenceFrom, Stabilizer

from recorder.case import Case, case
from recorder.networks.sequences import one_hot_sequences
from recorder.parameters import fill_parameters

SOURCE_VOCABULARY = 30
TARGET_VOCABULARY = 26
HIDDEN = 20


def translator() -> cntk.Function:
    """The network as a function of (source, target); the decoder's cell looks back at the whole encoded source."""
    embed_source, embed_target = Embedding(16), Embedding(14)
    encode = Recurrence(LSTM(HIDDEN), go_backwards=True)
    attention = AttentionModel(12, name="attention")
    cell = LSTM(HIDDEN, enable_self_stabilization=True)
    start_hidden, start_memory = Dense(HIDDEN, activation=cntk.tanh), Dense(HIDDEN)
    project = Dense(TARGET_VOCABULARY, name="next_symbol")
    stabilise_source, stabilise_target = Stabilizer(), Stabilizer()

    @cntk.Function
    def translate(source, target):  # CNTK reads the signature
        encoded = encode(stabilise_source(embed_source(source)))

        @cntk.Function
        def attending_cell(hidden, memory, word):
            return cell(hidden, memory, cntk.splice(word, attention(encoded, hidden)))

        first = cntk.sequence.first(encoded)
        decode = RecurrenceFrom(attending_cell)
        return project(decode(start_hidden(first), start_memory(first), stabilise_target(embed_target(target))))

    return translate


def build() -> Case:
    """The source and the target run over sequence axes of their own; output: logits of the next target symbol."""
    source = cntk.sequence.input_variable(SOURCE_VOCABULARY, sequence_axis=cntk.Axis("sourceAxis"), name="source")
    target = cntk.sequence.input_variable(TARGET_VOCABULARY, sequence_axis=cntk.Axis("targetAxis"), name="target")
    logits = translator()(source, target)
    model = fill_parameters(logits, seed=18)
    sources = one_hot_sequences(19, [6, 3, 1], SOURCE_VOCABULARY)  # type: List[np.ndarray]
    return case(model, {source: sources, target: one_hot_sequences(20, [4, 7, 1], TARGET_VOCABULARY)})
