"""A LeNet-like classifier of 8x8 digits, trained in CNTK; the inputs are images it never saw."""

import cntk
from cntk.layers import Convolution, Dense, Dropout, MaxPooling, Sequential

from recorder.case import Case, case
from recorder.networks.digits import load_digits
from recorder.training import count_correct, train_classifier

RECORDED = 50


def build(data: str) -> Case:
    """Train on 1,437 images and record the logits of the first 50 held-out ones."""
    digits = load_digits(data)
    image = cntk.input_variable((1, 8, 8), name="image")
    label = cntk.input_variable(10, name="label")
    logits = Sequential(
        [
            Convolution((3, 3), 16, activation=cntk.relu, pad=True, name="conv1"),
            MaxPooling((2, 2), strides=(2, 2), name="pool1"),
            Convolution((3, 3), 32, activation=cntk.relu, pad=True, name="conv2"),
            MaxPooling((2, 2), strides=(2, 2), name="pool2"),
            Dense(64, activation=cntk.relu, name="dense1"),
            Dropout(0.25),
            Dense(10, name="z"),
        ]
    )(image)
    train_classifier(logits, label, digits.train_images, digits.train_labels, [0.002] * 8 + [0.0005] * 4, seed=1)
    correct = count_correct(logits, digits.test_images, digits.test_labels)
    total = len(digits.test_images)
    note = "trained on scikit-learn's digits; held-out accuracy %.4f (%d of %d images)" % (correct / total, correct, total)
    return case(logits, {image: digits.test_images[:RECORDED]}, note=note)
