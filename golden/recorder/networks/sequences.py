"""Ragged sequences to feed recurrent networks with."""

from typing import List, Sequence

import numpy as np


def dense_sequences(seed: int, lengths: Sequence[int], size: int) -> List[np.ndarray]:
    """Standard normal float32 `[T, size]` for each length."""
    random = np.random.RandomState(seed)
    return [random.standard_normal((length, size)).astype(np.float32) for length in lengths]


def one_hot_sequences(seed: int, lengths: Sequence[int], classes: int) -> List[np.ndarray]:
    """One-hot float32 `[T, classes]` for each length."""
    random = np.random.RandomState(seed)
    return [np.eye(classes, dtype=np.float32)[random.randint(classes, size=length)] for length in lengths]
