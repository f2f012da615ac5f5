"""PastValue and FutureValue outside recurrences: semantics reference, section 7.2."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from bridge.errors import UnsupportedOperatorsError
from bridge.graph.model import Axis
from tests.lower.graphs import BATCH, SEQUENCE, STATIC, Array, Graph
from tests.lower.ragged import holds_for_any_batch

DIRECTIONS = ("PastValue", "FutureValue")
BOTH_WAYS = tuple(product(DIRECTIONS, (1, 2, 3)))
"""Operators and offsets."""


def delayed(x: Array, before: Array, after: Array, operator: str, offset: int) -> Array:
    """``x[t-k]`` or ``x[t+k]``, with ``offset`` steps ``before`` the first or ``after`` the last."""
    if operator == "PastValue":
        return np.concatenate([before, x])[: len(x)]
    return np.concatenate([x, after])[offset:]


def constantly(x: Array, value: Array | float, operator: str, offset: int) -> Array:
    """``delayed`` with the same value at every step beyond the sequence."""
    beyond = np.broadcast_to(np.asarray(value, x.dtype), (offset, *x.shape[1:]))
    return delayed(x, beyond, beyond, operator, offset)


@pytest.mark.parametrize(("operator", "offset"), BOTH_WAYS)
def test_beyond_its_own_end_each_sequence_takes_the_initial_value(operator: str, offset: int) -> None:
    graph = Graph()
    x = graph.input("x", (2, 3), SEQUENCE)
    y = graph.op(operator, x, graph.constant([0.1]), offset=offset)
    holds_for_any_batch(graph.convert(y), lambda x: constantly(x, 0.1, operator, offset))


@pytest.mark.parametrize(("operator", "offset"), BOTH_WAYS)
def test_initial_tensor_broadcasts_over_static_axes(operator: str, offset: int) -> None:
    graph = Graph()
    initial = np.array([1.0, 2.0, 3.0], np.float32)
    y = graph.op(operator, graph.input("x", (2, 3), SEQUENCE), graph.constant(initial), offset=offset)
    holds_for_any_batch(graph.convert(y), lambda x: constantly(x, initial, operator, offset))


@pytest.mark.parametrize(("operator", "offset"), BOTH_WAYS)
def test_initial_value_may_differ_from_sample_to_sample(operator: str, offset: int) -> None:
    graph = Graph()
    y = graph.op(operator, graph.input("x", (3,), SEQUENCE), graph.input("start", (3,), BATCH), offset=offset)
    holds_for_any_batch(graph.convert(y), lambda x, start: constantly(x, start, operator, offset))


@pytest.mark.parametrize("operator", DIRECTIONS)
def test_initial_scalar_per_sample_broadcasts(operator: str) -> None:
    graph = Graph()
    y = graph.op(operator, graph.input("x", (2, 3), SEQUENCE), graph.input("start", (1,), BATCH), offset=2)
    holds_for_any_batch(graph.convert(y), lambda x, start: constantly(x, start, operator, 2))


@pytest.mark.parametrize(("operator", "offset"), BOTH_WAYS)
def test_initial_sequence_carries_over(operator: str, offset: int) -> None:
    graph = Graph()
    y = graph.op(operator, graph.input("x", (2,), SEQUENCE), graph.input("other", (2,), SEQUENCE), offset=offset)

    def reference(x: Array, other: Array) -> Array:
        return delayed(x, other[-offset:], other[:offset], operator, offset)

    holds_for_any_batch(graph.convert(y), reference, shortest=offset)


@pytest.mark.parametrize("operator", DIRECTIONS)
def test_scalar_sequence_is_delayed(operator: str) -> None:
    graph = Graph()
    y = graph.op(operator, graph.input("x", (), SEQUENCE), graph.constant(5.0), offset=1)
    holds_for_any_batch(graph.convert(y), lambda x: constantly(x, 5.0, operator, 1))


@pytest.mark.parametrize("operator", DIRECTIONS)
def test_delay_of_a_padded_result_does_not_see_the_padding(operator: str) -> None:
    graph = Graph()
    shifted = graph.op("Plus", graph.input("x", (2,), SEQUENCE), graph.constant(1.0))
    y = graph.op(operator, shifted, graph.constant(0.0), offset=1)
    holds_for_any_batch(graph.convert(y), lambda x: constantly(x + 1, 0.0, operator, 1))


@pytest.mark.parametrize("operator", DIRECTIONS)
@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_delay_keeps_the_element_type(operator: str, dtype: type) -> None:
    graph = Graph()
    y = graph.op(operator, graph.input("x", (2,), SEQUENCE, dtype), graph.constant(1.0, dtype), offset=1)
    x: Array = np.arange(6, dtype=dtype).reshape(1, 3, 2)
    made = graph.run(y, {"x": x})
    assert made.dtype == dtype
    np.testing.assert_array_equal(made[0], constantly(x[0], 1.0, operator, 1))


def test_delay_over_free_dimensions_follows_their_size() -> None:
    graph = Graph()
    y = graph.op("PastValue", graph.input("x", (-3, 2), SEQUENCE), graph.constant(0.5), offset=2)
    x = np.arange(24, dtype=np.float32).reshape(1, 3, 4, 2)
    np.testing.assert_array_equal(graph.run(y, {"x": x})[0], constantly(x[0], 0.5, "PastValue", 2))


@pytest.mark.parametrize("axes", [BATCH, STATIC])
def test_delay_without_a_sequence_axis_is_refused(axes: tuple[Axis, ...]) -> None:
    graph = Graph()
    y = graph.op("PastValue", graph.input("x", (2,), axes), graph.constant(0.0), offset=1)
    with pytest.raises(UnsupportedOperatorsError, match="without a sequence axis"):
        graph.lower(y)
