"""A classifier of digits with batch normalisation, trained in CNTK and saved together with its loss and its metric."""

import cntk
from cntk.layers import BatchNormalization, Dense, Sequential

from recorder.case import Case, case
from recorder.networks.digits import load_digits
from recorder.training import count_correct, train_classifier

RECORDED = 12


def build(data: str) -> Case:
    """The file holds logits, loss and error; only the logits are a prediction, and they need no label."""
    digits = load_digits(data)
    image = cntk.input_variable((1, 8, 8), name="image")
    label = cntk.input_variable(10, name="label")
    logits = Sequential([Dense(48), BatchNormalization(), cntk.relu, Dense(24, activation=cntk.elu), Dense(10, name="z")])(image)
    train_classifier(logits, label, digits.train_images, digits.train_labels, [0.002] * 5 + [0.0005] * 3, seed=2)
    loss = cntk.cross_entropy_with_softmax(logits, label, name="loss")
    error = cntk.classification_error(logits, label, name="error")
    correct = count_correct(logits, digits.test_images, digits.test_labels)
    total = len(digits.test_images)
    note = "trained on scikit-learn's digits; held-out accuracy %.4f (%d of %d images); saved with loss and error"
    return case(
        cntk.combine([logits, loss, error]),
        {image: digits.test_images[:RECORDED], label: digits.test_labels[:RECORDED]},
        outputs=[logits],
        note=note % (correct / total, correct, total),
    )
