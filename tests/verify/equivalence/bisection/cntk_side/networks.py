"""Two small networks that hold what converters get wrong: one of images, one of ragged sequences."""

import cntk
import numpy as np
from cntk.layers import LSTM, BatchNormalization, Convolution2D, Dense, Embedding, Recurrence
from recorder.case import Case, case
from recorder.parameters import fill_parameters, fill_running_statistics


def image() -> Case:
    """Asymmetric padding, batch normalisation before and after an activation, a window count rounded up, three kinds of axes."""
    pixels = cntk.input_variable((2, 8, 8), name="pixels")
    stem = Convolution2D((2, 2), 4, pad=True, name="stem")(pixels)
    norm = BatchNormalization(map_rank=1, epsilon=0.05, name="norm")(stem)
    leaky = cntk.leaky_relu(norm, alpha=0.2, name="leaky")
    pool = cntk.pooling(leaky, cntk.MAX_POOLING, (3, 3), (2, 2), auto_padding=[False], ceil_out_dim=True, name="pool")
    again = BatchNormalization(map_rank=1, epsilon=0.02, name="again")(pool)
    turned = cntk.transpose(again, (0, 2, 1), name="turned")
    joined = cntk.splice(turned, cntk.tanh(again), axis=0, name="joined")
    shares = cntk.softmax(joined, axis=0, name="shares")
    scaled = cntk.element_times(shares, cntk.parameter((8, 1, 4)), name="scaled")
    rows = cntk.reduce_sum(scaled, axis=1, name="rows")
    hidden = Dense(6, activation=cntk.tanh, name="hidden")(rows)
    model = Dense(3, name="z")(hidden)
    values = np.random.RandomState(31).standard_normal((3, 2, 8, 8)).astype(np.float32)
    return case(fill_running_statistics(fill_parameters(model, seed=31), seed=31), {pixels: values})


def text() -> Case:
    """Two LSTMs of opposite directions, attention over the steps, the last step."""
    words = cntk.sequence.input_variable(6, name="words")
    vectors = Embedding(5, name="vectors")(words)
    forward = Recurrence(LSTM(4, name="forward_cell"), name="forward")(vectors)
    backward = Recurrence(LSTM(4, name="backward_cell"), go_backwards=True, name="backward")(Dense(5, name="between")(forward))
    scores = Dense(1, name="scores")(backward)
    weights = cntk.sequence.softmax(scores, name="weights")
    summary = cntk.sequence.reduce_sum(weights * backward, name="summary")
    newest = cntk.sequence.last(forward, name="newest")
    model = Dense(3, name="z")(cntk.splice(summary, newest, name="both"))
    random = np.random.RandomState(32)
    lengths = (4, 6, 1, 3)
    return case(
        fill_parameters(model, seed=32), {words: [random.standard_normal((length, 6)).astype(np.float32) for length in lengths]}
    )


NETWORKS = {"image": image, "text": text}
