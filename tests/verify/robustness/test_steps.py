"""Sequences with a label for every step, seen as one row of scores each."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bridge.errors import InvalidOptionError
from verify.robustness.attacks.scores import Array, margins
from verify.robustness.samples import Samples
from verify.robustness.steps import UNCOUNTED, weakest_row, weakest_row_of, weakest_step
from verify.robustness.targets import rightly


def drawn(count: int = 200, steps: int = 4, classes: int = 3) -> tuple[Array, Array]:
    """Scores ``(N, T, C)`` and labels ``(N, T)`` with gaps, most of which the scores get right."""
    random = np.random.default_rng(0)
    scores = random.standard_normal((count, steps, classes)).astype(np.float32)
    labels = np.where(random.random((count, steps)) < 0.8, scores.argmax(axis=2), random.integers(0, classes, (count, steps)))
    return scores, np.where(random.random((count, steps)) < 0.3, UNCOUNTED, labels)


def test_a_sequence_is_right_exactly_where_all_its_labelled_steps_are() -> None:
    scores, labels = drawn()
    counted = labels != UNCOUNTED
    every_step = ((scores.argmax(axis=2) == labels) | ~counted).all(axis=1)
    assert 20 < every_step.sum() < 180
    row = weakest_row(scores, labels, counted)
    assert np.array_equal(row.argmax(axis=1) == 0, every_step)


def test_the_row_has_the_least_margin_of_all_steps_and_the_scores_of_that_step() -> None:
    scores, labels = drawn()
    counted = labels != UNCOUNTED
    row = weakest_row(scores, labels, counted)
    for number in np.flatnonzero(counted.any(axis=1)):
        of_steps = [margins(scores[number, [step]], labels[number, [step]])[0] for step in np.flatnonzero(counted[number])]
        assert margins(row[[number]], np.zeros(1, np.int64))[0] == min(of_steps)
        step = weakest_step(scores[number], labels[number], counted[number])
        assert sorted(row[number]) == sorted(scores[number, step])


def test_both_libraries_choose_the_same_rows_and_gradients_go_to_the_weakest_step_alone() -> None:
    scores, labels = drawn()
    counted = labels != UNCOUNTED
    point = torch.from_numpy(scores).requires_grad_()
    row = weakest_row_of(point, torch.from_numpy(labels), torch.from_numpy(counted))
    np.testing.assert_array_equal(row.detach().numpy(), weakest_row(scores, labels, counted))
    row.square().sum().backward()  # type: ignore[no-untyped-call]
    assert point.grad is not None
    touched = (point.grad != 0).any(dim=2).sum(dim=1).numpy()
    assert np.array_equal(touched, counted.any(axis=1).astype(int))


def test_a_step_that_is_no_number_is_not_right() -> None:
    scores = np.array([[[1, 0], [np.nan, 0]], [[1, 0], [1, 0]]], np.float32)
    samples = Samples("words", np.zeros((2, 2, 3), np.float32), np.zeros((2, 2), np.int64))
    assert rightly(samples, scores, samples.x, np.arange(2)).tolist() == [False, True]


def test_a_step_whose_own_token_was_replaced_does_not_count() -> None:
    x = np.eye(3, dtype=np.float32)[[[0, 1], [0, 1]]]
    samples = Samples("words", x, np.zeros((2, 2), np.int64), tokens=True)
    moved = x.copy()
    moved[:, 1] = [0, 0, 1]
    assert samples.counted(moved, np.arange(2)).tolist() == [[True, False], [True, False]]
    scores = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]]], np.float32)
    assert rightly(samples, scores, moved, np.arange(2)).tolist() == [True, False]
    moved[:, 0] = [0, 0, 1]
    assert rightly(samples, scores, moved, np.arange(2)).tolist() == [True, True]


def test_a_sequence_without_any_label_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match="no step has a label"):
        Samples("words", np.zeros((2, 2, 3), np.float32), np.array([[0, 1], [UNCOUNTED, UNCOUNTED]]))
