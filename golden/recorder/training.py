"""Trains a classifier in CNTK, the same way every time."""

from typing import Sequence

import cntk
import numpy as np

BATCH = 32


def train_classifier(
    logits: cntk.Function, labels: cntk.Variable, inputs: np.ndarray, targets: np.ndarray, rates: Sequence[float], seed: int
) -> None:
    """Train `logits` (one argument beside `labels`) with Adam, one epoch for each of the per-sample learning `rates`."""
    features = logits.arguments[0]
    loss = cntk.cross_entropy_with_softmax(logits, labels)
    metric = cntk.classification_error(logits, labels)
    random = np.random.RandomState(seed)
    schedule = cntk.learning_parameter_schedule_per_sample(list(rates), epoch_size=len(inputs))
    learner = cntk.adam(logits.parameters, schedule, cntk.momentum_schedule(0.9, minibatch_size=BATCH))
    trainer = cntk.Trainer(logits, (loss, metric), [learner])
    for _ in rates:
        order = random.permutation(len(inputs))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            trainer.train_minibatch({features: inputs[chosen], labels: targets[chosen]})


def count_correct(logits: cntk.Function, inputs: np.ndarray, targets: np.ndarray) -> int:
    """How many of `inputs` are given the class of their target."""
    predicted = logits.eval({logits.arguments[0]: inputs}).argmax(axis=1)
    return int((predicted == targets.argmax(axis=1)).sum())
