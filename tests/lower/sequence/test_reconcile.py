"""ReconcileDynamicAxis: semantics reference, section 7.2."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.graph.model import DEFAULT_BATCH_AXIS, Axis, AxisKind
from tests.lower.graphs import BATCH, SEQUENCE, STATIC, Array, Graph, static_axis
from tests.lower.ragged import holds_for_any_batch

OTHER = (DEFAULT_BATCH_AXIS, Axis(AxisKind.SEQUENCE, name="other"))


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_value_per_sample_is_repeated_at_every_step(shape: tuple[int, ...]) -> None:
    graph = Graph()
    x, context = graph.input("x", (4,), SEQUENCE), graph.input("context", shape, BATCH)
    y = graph.op("ReconcileDynamicAxis", context, x)
    used = graph.op("ReduceElements", x, axis=static_axis(0), reductionOpName="Sum", reductionKeepDimensions=False)
    total = graph.op("Plus", y, used)

    def reference(x: Array, context: Array) -> Array:
        return np.asarray(x.sum(axis=1).reshape(-1, *[1] * context.ndim) + context)

    holds_for_any_batch(graph.convert(total), reference)


def test_reconciled_output_has_its_full_size_and_zero_padding() -> None:
    graph = Graph()
    x, context = graph.input("x", (), SEQUENCE), graph.input("context", (2,), BATCH)
    y = graph.op("ReconcileDynamicAxis", context, x)
    made = graph.run_all([y, graph.op("Negate", x)], {"x": np.zeros((2, 3)), "context": [[1, 2], [3, 4]]}, [3, 1])[y]
    assert made.tolist() == [[[1, 2]] * 3, [[3, 4], [0, 0], [0, 0]]]


def test_elementwise_reader_needs_no_expanded_copy() -> None:
    graph = Graph()
    x, context = graph.input("x", (3,), SEQUENCE), graph.input("context", (3,), BATCH)
    y = graph.op("Plus", x, graph.op("ReconcileDynamicAxis", context, x))
    assert "Expand" not in graph.operators(y)[-3:]
    holds_for_any_batch(graph.convert(y), lambda x, context: x + context)


def test_chain_of_elementwise_readers_of_nothing_but_reconciled_values_keeps_its_steps() -> None:
    graph = Graph()
    x = graph.input("x", (1,), SEQUENCE)
    first = graph.op("ReconcileDynamicAxis", graph.input("a", (2,), BATCH), x)
    second = graph.op("ReconcileDynamicAxis", graph.input("b", (2,), BATCH), x)
    total = graph.op("Plus", first, second)
    y = graph.op("Splice", total, x, axis=static_axis(0))

    def reference(x: Array, a: Array, b: Array) -> Array:
        return np.concatenate([np.broadcast_to(a + b, (len(x), 2)), x], axis=1)

    holds_for_any_batch(graph.convert(y), reference)


def test_reader_that_walks_the_axis_sees_every_step() -> None:
    graph = Graph()
    x, context = graph.input("x", (1,), SEQUENCE), graph.input("context", (2,), BATCH)
    repeated = graph.op("ReconcileDynamicAxis", context, x)
    doubled = graph.op("ElementTimes", repeated, x)
    y = graph.op("PastValue", repeated, graph.constant(0.5), offset=1)

    def reference(x: Array, context: Array) -> Array:
        before = np.broadcast_to(context, (len(x) - 1, 2))
        return np.asarray(context * x + np.concatenate([np.full((1, 2), 0.5), before]))

    holds_for_any_batch(graph.convert(graph.op("Plus", doubled, y)), reference)


@pytest.mark.parametrize("shape", [(), (2,)])
def test_value_without_dynamic_axes_is_repeated_everywhere(shape: tuple[int, ...]) -> None:
    graph = Graph()
    x = graph.input("x", (2,), SEQUENCE)
    repeated = graph.op("ReconcileDynamicAxis", graph.parameter(np.full(shape, 3.0)), x)
    y = graph.op("Splice", graph.op("Plus", repeated, graph.constant(np.zeros((2,)))), x, axis=static_axis(0))
    holds_for_any_batch(graph.convert(y), lambda x: np.concatenate([np.full((len(x), 2), 3.0), x], axis=1))


def test_value_without_dynamic_axes_is_repeated_for_every_sample() -> None:
    graph = Graph()
    x = graph.input("x", (2,), BATCH)
    free = graph.input("free", (3,), STATIC)
    y = graph.op("ReconcileDynamicAxis", free, x)
    used = graph.op("Negate", x)
    made = graph.run_all([y, used], {"x": np.zeros((4, 2)), "free": [1, 2, 3]})[y]
    assert made.tolist() == [[1, 2, 3]] * 4


def test_one_sequence_axis_is_relabelled_as_another_of_the_same_lengths() -> None:
    graph = Graph()
    x, like = graph.input("x", (), SEQUENCE), graph.input("like", (), OTHER)
    y = graph.op("Plus", graph.op("ReconcileDynamicAxis", x, like), like)
    converted = graph.convert(y)
    names = {port.name for port in converted.lowered.inputs}
    assert names == {"x", "like", "defaultDynamicAxis_lengths", "other_lengths"}
    feeds = {
        "x": [[1, 2], [3, np.nan]],
        "like": [[10, 20, np.nan], [30, np.nan, np.nan]],
        "defaultDynamicAxis_lengths": [2, 1],
        "other_lengths": [2, 1],
    }
    assert converted.run(feeds)[y].tolist() == [[11, 22, 0], [33, 0, 0]]
