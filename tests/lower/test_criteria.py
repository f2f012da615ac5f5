"""Losses and metrics over a whole batch: padded steps never count, whatever they hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bridge.errors import InvalidGraphError, UnsupportedOperatorsError
from bridge.lower import LoweringOptions
from tests.lower.graphs import SEQUENCE, STATIC, Graph
from tests.lower.ragged import padded

Numbers = npt.NDArray[Any]
LENGTHS = [3, 1, 4]


def log_softmax(values: Numbers) -> Numbers:
    shifted = values - values.max(-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(-1, keepdims=True)))


def steps(seed: int) -> list[Numbers]:
    """One sequence of vectors for each of ``LENGTHS``."""
    rng = np.random.default_rng(seed)
    return [rng.uniform(0.1, 0.9, (length, 4)) for length in LENGTHS]


FORMULAS: dict[str, Callable[[Numbers, Numbers], float]] = {
    "SquaredError": lambda p, t: float(((p - t) ** 2).sum()),
    "CrossEntropyWithSoftmax": lambda z, y: float(-(y * log_softmax(z)).sum()),
    "ClassificationError": lambda z, y: float((z.argmax(-1) != y.argmax(-1)).sum()),
    "Logistic": lambda p, y: float(-np.log(2 * y * p + 1 - y - p).sum()),
}


@pytest.mark.parametrize("operator", FORMULAS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_criterion_sums_over_all_real_steps(operator: str, dtype: str) -> None:
    graph = Graph()
    x, y = graph.input("x", (4,), SEQUENCE, dtype), graph.input("y", (4,), SEQUENCE, dtype)
    predictions, labels = steps(1), steps(2)
    made = graph.run(graph.op(operator, x, y), {x: padded(predictions, 1), y: padded(labels, 1)}, LENGTHS)
    wanted = FORMULAS[operator](np.concatenate(predictions), np.concatenate(labels))
    np.testing.assert_allclose(made, wanted, rtol=5e-3 if dtype == "float16" else 1e-5)
    assert made.shape == ()
    assert made.dtype == dtype


@pytest.mark.parametrize("operator", FORMULAS)
def test_criterion_of_matrices_over_a_batch(operator: str) -> None:
    graph = Graph()
    x, y = graph.input("x", (2, 2)), graph.input("y", (2, 2))
    predictions, labels = np.concatenate(steps(3)), np.concatenate(steps(4))
    feeds = {x: predictions.reshape(-1, 2, 2), y: labels.reshape(-1, 2, 2)}
    np.testing.assert_allclose(graph.run(graph.op(operator, x, y), feeds), FORMULAS[operator](predictions, labels), rtol=1e-5)


def test_sum_all_leaves_padding_out() -> None:
    graph = Graph()
    x = graph.input("x", (4,), SEQUENCE)
    values = steps(5)
    made = graph.run(graph.op("SumAll", x), {x: padded(values)}, LENGTHS)
    np.testing.assert_allclose(made, np.concatenate(values).sum(), rtol=1e-6)


def test_long_sums_accumulate_in_double() -> None:
    graph = Graph()
    x = graph.input("x", (1000,))
    made = graph.run(graph.op("SumAll", x), {x: np.full((1000, 1000), 0.1)})
    np.testing.assert_allclose(made, 1e6 * float(np.float32(0.1)), rtol=1e-7)


def test_label_among_the_best_is_no_error() -> None:
    graph = Graph()
    x, y = graph.input("x", (3,)), graph.input("y", (3,))
    scores = [[0.1, 0.5, 0.4], [0.1, 0.5, 0.4], [0.1, 0.5, 0.4]]
    for best, errors in ((1, 2), (2, 1), (3, 0)):
        error = graph.op("ClassificationError", x, y, graph.constant(best))
        assert graph.run(error, {x: scores, y: np.eye(3)}) == errors


def test_number_of_best_has_to_be_constant_and_positive() -> None:
    graph = Graph()
    x, y, best = graph.input("x", (3,)), graph.input("y", (3,)), graph.input("best", (), STATIC)
    with pytest.raises(InvalidGraphError, match="topN"):
        graph.lower(graph.op("ClassificationError", x, y, best))
    with pytest.raises(InvalidGraphError, match="best 0"):
        graph.lower(graph.op("ClassificationError", x, y, graph.constant(0)))


def test_certain_and_wrong_costs_what_the_logarithm_of_nothing_is() -> None:
    graph = Graph()
    x, y = graph.input("x", (1,)), graph.input("y", (1,))
    loss = graph.op("Logistic", x, y)
    np.testing.assert_allclose(graph.run(loss, {x: [[0]], y: [[1]]}), 85.1, rtol=1e-6)
    plain = graph.run_all([loss], {x: [[0]], y: [[1]]}, options=LoweringOptions(plain_math=True))
    assert plain[loss] == np.inf


def test_weighted_logistic_is_the_weighted_mean_times_the_samples() -> None:
    graph = Graph()
    x, y, w = graph.input("x", (1,)), graph.input("y", (1,)), graph.input("w", (1,))
    p, t, weight = np.array([[0.3], [0.9], [0.5]]), np.array([[1], [0], [0.25]]), np.array([[1], [2], [0.5]])
    wanted = -3 * (weight * np.log(2 * t * p + 1 - t - p)).sum() / weight.sum()
    np.testing.assert_allclose(graph.run(graph.op("Logistic", x, y, w), {x: p, y: t, w: weight}), wanted, rtol=1e-5)


def test_weights_of_vectors_are_refused() -> None:
    graph = Graph()
    x, y, w = (graph.input(name, (2,)) for name in "xyw")
    with pytest.raises(UnsupportedOperatorsError, match="scalar predictions alone"):
        graph.lower(graph.op("Logistic", x, y, w))
