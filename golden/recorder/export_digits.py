"""Writes digits.npz from scikit-learn's copy of the UCI optical digits; runs in a current Python with scikit-learn.

`python export_digits.py DESTINATION_FOLDER` gives `images` uint8 `[1797, 8, 8]` with values 0..16, and `labels` uint8 `[1797]`.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits


def main() -> None:
    """Export the whole set; the recorder makes the split."""
    digits = load_digits()
    images, labels = digits.images.astype(np.uint8), digits.target.astype(np.uint8)
    np.savez_compressed(Path(sys.argv[1]) / "digits.npz", images=images, labels=labels)


if __name__ == "__main__":
    main()
