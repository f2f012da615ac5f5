"""Losses and metrics."""

import cntk
import numpy as np

from recorder.case import Case, case
from recorder.operators.operands import on_batch, on_sequences, ragged, ramp, scattered

SCORES = scattered(130, 4, 5)
ONE_HOT = np.eye(5, dtype=np.float32)[[0, 3, 3, 1]]
SOFT = np.abs(scattered(131, 4, 5))
TIED = np.array([[1, 1, 0], [0, 2, 2], [0, 0, 0]], dtype=np.float32)
PROBABILITIES = ramp(3, 2, low=0.05, high=0.95)
TRUTH = np.array([[0, 1], [1, 1], [0, 0]], dtype=np.float32)


def edit_distance() -> Case:
    """Two sequences of classes; the count of edits is aggregated over the batch."""
    x, y = (cntk.sequence.input_variable(4, name=name) for name in ("x", "y"))
    given = [np.eye(4, dtype=np.float32)[row] for row in ([0, 1, 1, 3], [1, 0])]
    wanted = [np.eye(4, dtype=np.float32)[row] for row in ([0, 3, 1, 2], [1, 0])]
    return case(cntk.edit_distance_error(x, y, 1, 1, 1, squashInputs=True, tokensToIgnore=[2]), {x: given, y: wanted})


def connectionist_temporal_classification() -> Case:
    """CTC loss; the label graph marks a new label with a 2 and the rest with a 1, the last class is the blank."""
    x, y = (cntk.sequence.input_variable(4, name=name) for name in ("x", "y"))
    loss = cntk.forward_backward(cntk.labels_to_graph(y), x, blankTokenId=3)
    labels = [np.zeros((5, 4), dtype=np.float32), np.zeros((3, 4), dtype=np.float32)]
    for sequence, classes in zip(labels, ([0, 0, 1, 2, 2], [1, 1, 0])):
        previous = None
        for step, label in enumerate(classes):
            sequence[step, label] = 1 if label == previous else 2
            previous = label
    return case(loss, {x: ragged(134, [5, 3], 4), y: labels})


CASES = {
    "cross_entropy_with_softmax": on_batch(
        lambda x, y: (cntk.cross_entropy_with_softmax(x, y), cntk.cross_entropy_with_softmax(x, y * 0.5)), SCORES, SOFT
    ),
    "cross_entropy_over_sequence": on_sequences(cntk.cross_entropy_with_softmax, ragged(132, [3, 1], 4), ragged(133, [3, 1], 4)),
    "classification_error": on_batch(cntk.classification_error, SCORES, ONE_HOT),
    "classification_error_of_ties": on_batch(cntk.classification_error, TIED, np.eye(3, dtype=np.float32)),
    "classification_error_top_2": on_batch(lambda x, y: cntk.classification_error(x, y, topN=2), SCORES, ONE_HOT),
    "squared_error": on_batch(cntk.squared_error, SCORES, SOFT),
    "binary_cross_entropy": on_batch(cntk.binary_cross_entropy, PROBABILITIES, TRUTH),
    "weighted_binary_cross_entropy": on_batch(
        cntk.weighted_binary_cross_entropy, PROBABILITIES[:, :1], TRUTH[:, :1], np.array([[1], [2], [3]], dtype=np.float32)
    ),
    "cosine_distance": on_batch(cntk.cosine_distance, SCORES, np.concatenate([SOFT[:3], np.zeros((1, 5), dtype=np.float32)])),
    "cosine_distance_with_negative_samples": on_batch(
        lambda x, y: cntk.cosine_distance_with_negative_samples(x, y, 1, 2), SCORES, SOFT
    ),
    "lambda_rank": on_batch(
        cntk.lambda_rank, *(np.array(v, dtype=np.float32)[:, None] for v in ([3, 1, 2, 5], [7, 3, 1, 2], [1, 1, 1, 2]))
    ),
    "ndcg_at_1": on_batch(
        cntk.ndcg_at_1, *(np.array(v, dtype=np.float32)[:, None] for v in ([1, 3, 2, 5], [7, 3, 1, 2], [1, 1, 1, 2]))
    ),
    "forward_backward": connectionist_temporal_classification,
    "edit_distance_error": edit_distance,
}  # type: Family
