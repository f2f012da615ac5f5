"""Cosines between samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bridge.errors import InvalidGraphError, UnsupportedOperatorsError
from tests.lower.graphs import BATCH, SEQUENCE, Graph
from tests.lower.ragged import holds_for_any_batch

Numbers = npt.NDArray[Any]


def cosine(x: Numbers, y: Numbers) -> Numbers:
    return np.asarray((x * y).sum(-1) / np.linalg.norm(x, axis=-1) / np.linalg.norm(y, axis=-1))


def numbers(seed: int, *shape: int) -> Numbers:
    return np.random.default_rng(seed).standard_normal(shape)


def test_all_static_axes_count() -> None:
    graph = Graph()
    x, y = graph.input("x", (2, 3)), graph.input("y", (2, 3))
    left, right = numbers(1, 4, 2, 3), numbers(2, 4, 2, 3)
    made = graph.run(graph.op("CosDistance", x, y), {x: left, y: right})
    np.testing.assert_allclose(made, cosine(left.reshape(4, 6), right.reshape(4, 6)), rtol=1e-5)


def test_cosine_with_a_zero_vector_is_zero() -> None:
    graph = Graph()
    x, y = graph.input("x", (2,)), graph.input("y", (2,))
    assert graph.run(graph.op("CosDistance", x, y), {x: [[0, 0]], y: [[1, 2]]}).tolist() == [0]


def test_norms_below_the_smallest_count_as_the_smallest() -> None:
    graph = Graph()
    x, y = graph.input("x", (1,)), graph.input("y", (1,))
    made = graph.run(graph.op("CosDistance", x, y), {x: [[1e-32]], y: [[1]]})
    np.testing.assert_allclose(made, [0.01], rtol=1e-5)


def test_cosines_of_sequences() -> None:
    graph = Graph()
    x, y = graph.input("x", (3,), SEQUENCE), graph.input("y", (3,), SEQUENCE)
    holds_for_any_batch(graph.convert(graph.op("CosDistance", x, y)), cosine)


@pytest.mark.parametrize("samples", [1, 2, 5])
def test_negative_samples_follow_cyclically_in_the_batch(samples: int) -> None:
    graph = Graph()
    x, y = graph.input("x", (4,)), graph.input("y", (4,))
    z = graph.op("CosDistanceWithNegativeSamples", x, y, graph.constant(2.0), graph.constant(3.0))
    left, right = numbers(3, samples, 4), numbers(4, samples, 4)
    wanted = np.stack([cosine(left, np.roll(right, -distance, 0)) for distance in (0, 2, 3, 4)], axis=1)
    np.testing.assert_allclose(graph.run(z, {x: left, y: right}), wanted, rtol=1e-4, atol=1e-6)


def test_negative_samples_of_a_sequence_follow_within_it() -> None:
    graph = Graph()
    x, y = graph.input("x", (4,), SEQUENCE), graph.input("y", (4,), SEQUENCE)
    z = graph.op("CosDistanceWithNegativeSamples", x, y, graph.constant(1.0), graph.constant(2.0))
    holds_for_any_batch(
        graph.convert(z), lambda x, y: np.stack([cosine(x, np.roll(y, -distance, 0)) for distance in (0, 1, 2)], axis=1)
    )


def test_number_of_negative_samples_has_to_be_constant() -> None:
    graph = Graph()
    x, y, count = graph.input("x", (4,)), graph.input("y", (4,)), graph.input("count", (), ())
    z = graph.op("CosDistanceWithNegativeSamples", x, y, graph.constant(1.0), count)
    with pytest.raises(InvalidGraphError, match="numNegativeSamples"):
        graph.lower(z)


@pytest.mark.parametrize("count", [-1.0, 1e6, np.nan, np.inf])
def test_absurd_number_of_negative_samples_is_no_graph(count: float) -> None:
    graph = Graph()
    x, y = graph.input("x", (4,)), graph.input("y", (4,))
    z = graph.op("CosDistanceWithNegativeSamples", x, y, graph.constant(1.0), graph.constant(count))
    with pytest.raises(InvalidGraphError, match=r"negative samples|numNegativeSamples"):
        graph.lower(z)


def test_negative_samples_of_operands_on_different_axes_are_refused() -> None:
    graph = Graph()
    x, y = graph.input("x", (4,), SEQUENCE), graph.input("y", (4,), BATCH)
    z = graph.op("CosDistanceWithNegativeSamples", x, y, graph.constant(1.0), graph.constant(2.0))
    with pytest.raises(UnsupportedOperatorsError, match="same dynamic axes"):
        graph.lower(z)
