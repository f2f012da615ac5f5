from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from verify.robustness.attacks.scores import Array
from verify.robustness.attacks.token_substitution import flip_by_gradient, flip_by_scores, is_one_hot
from verify.robustness.samples import mask_of_lengths
from verify.robustness.smallest import sizes
from verify.robustness.threat import Norm, Threat

TOKENS = Threat(Norm.TOKENS, 2, 0.0, 1.0)
WEIGHTS = np.random.default_rng(5).standard_normal((12, 3)).astype(np.float32)
LENGTHS = np.array([5, 3, 6, 1, 4, 6])


def sentences() -> tuple[Array, Array, Array]:
    """Padded one-hot sequences ``(6, 6, 12)``, the classes of a bag of words, and the mask of their lengths."""
    random = np.random.default_rng(0)
    x = np.zeros((6, 6, 12), np.float32)
    for row, length in enumerate(LENGTHS):
        x[row, np.arange(length), random.integers(0, 12, length)] = 1
    return x, scores(x, np.arange(6)).argmax(axis=1), mask_of_lengths(LENGTHS, x.shape)


def scores(x: Array, rows: Array) -> Array:
    del rows
    found: Array = x.sum(axis=1) @ WEIGHTS
    return found


def logits(x: Tensor, rows: Tensor) -> Tensor:
    del rows
    return x.sum(dim=1) @ torch.from_numpy(WEIGHTS)


def well_formed(moved: Array, x: Array) -> None:
    assert sizes(moved, x, Norm.TOKENS).max() <= 2
    for row, length in enumerate(LENGTHS):
        assert np.array_equal(moved[row, length:], x[row, length:])
        assert (moved[row, :length].sum(axis=1) == 1).all()
        assert np.isin(moved[row], (0, 1)).all()


def test_gradients_choose_tokens_that_break_the_samples() -> None:
    x, labels, mask = sentences()
    moved = flip_by_gradient(logits, torch.from_numpy(x), torch.from_numpy(labels), TOKENS, mask=torch.from_numpy(mask)).numpy()
    well_formed(moved, x)
    assert (scores(moved, np.arange(6)).argmax(axis=1) != labels).sum() >= 4


def test_scores_alone_find_as_much() -> None:
    x, labels, mask = sentences()
    found = flip_by_scores(scores, x, labels, TOKENS, queries=300, mask=mask)
    well_formed(found.adversarial, x)
    assert (scores(found.adversarial, np.arange(6)).argmax(axis=1) != labels).sum() >= 4
    assert found.queries.max() <= 300


def test_one_hot_sequences_are_known_as_such_behind_their_padding() -> None:
    x, _, mask = sentences()
    assert is_one_hot(x, mask)
    assert not is_one_hot(x)
    assert not is_one_hot(x + 0.1, mask)
    assert not is_one_hot(x[:, 0])
