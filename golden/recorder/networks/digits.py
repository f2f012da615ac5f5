"""The digits data, as the two networks trained on it see them."""

import os
from typing import NamedTuple

import numpy as np

HELD_OUT = 360
"""Images of the 1,797 that no training sees."""

Digits = NamedTuple(
    "Digits",
    [("train_images", np.ndarray), ("train_labels", np.ndarray), ("test_images", np.ndarray), ("test_labels", np.ndarray)],
)


def load_digits(folder: str) -> Digits:
    """Read digits.npz and split it: images float32 `[N, 1, 8, 8]` in 0..1, labels one-hot float32 `[N, 10]`."""
    with np.load(os.path.join(folder, "digits.npz")) as archive:
        images = archive["images"].astype(np.float32)[:, np.newaxis] / 16
        labels = np.eye(10, dtype=np.float32)[archive["labels"]]
    order = np.random.RandomState(0).permutation(len(images))
    train, test = order[HELD_OUT:], order[:HELD_OUT]
    return Digits(images[train], labels[train], images[test], labels[test])
