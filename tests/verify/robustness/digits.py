"""The 8 × 8 digits of the UCI repository, as scikit-learn ships them (BSD licence; Alpaydin and Kaynak 1998)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from verify.robustness.attacks.scores import Array
from verify.robustness.samples import Samples

_FILE = Path(__file__).parents[2] / "harden" / "digits.npz"


@dataclass(frozen=True)
class Digits:
    """Images ``(N, 1, 8, 8)`` in float32 from 0 to 1, and classes ``(N,)`` in int64."""

    images: Array
    labels: Array
    test_images: Array
    test_labels: Array

    def samples(self, count: int = 100) -> Samples:
        return Samples("image", self.test_images[:count], self.test_labels[:count])


def load_digits() -> Digits:
    with np.load(_FILE) as archive:
        images, labels = archive["images"], archive["labels"]
    order = np.random.default_rng(0).permutation(len(images))
    scaled = (images[order, None] / 16).astype(np.float32)
    classes = labels[order].astype(np.int64)
    return Digits(scaled[:1400], classes[:1400], scaled[1400:], classes[1400:])
