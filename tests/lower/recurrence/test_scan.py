"""Any other recurrence as a Scan: semantics reference, section 8.1."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.graph.model import DEFAULT_BATCH_AXIS, Axis, AxisKind
from tests.lower.graphs import ALL_STATIC, BATCH, SEQUENCE, Array, Graph, static_axis
from tests.lower.ragged import holds_for_any_batch
from tests.lower.recurrence.cntk_cells import matrix

DIRECTIONS = {"forwards": "PastValue", "backwards": "FutureValue"}
directions = pytest.mark.parametrize("delay", DIRECTIONS.values(), ids=list(DIRECTIONS))


def accumulator(graph: Graph, x: str, delay: str, initial: str, offset: int = 1) -> str:
    """``h[t] = x[t] + h[t - offset] / 2``."""
    hole, old = graph.delay(delay, initial, offset)
    new = graph.op("Plus", x, graph.op("ElementTimes", old, graph.constant(0.5)))
    graph.bind(hole, new)
    return new


def accumulated(x: Array, before: Array, delay: str, offset: int = 1) -> Array:
    """The same in numpy; ``before`` are the ``offset`` values beyond the first step, the nearest to it last."""
    made = [*before.astype(np.float64)]
    for row in x if delay == "PastValue" else x[::-1]:
        made.append(row + made[-offset] / 2)
    states = np.stack(made[offset:])
    return states if delay == "PastValue" else states[::-1]


@directions
@pytest.mark.parametrize("offset", [1, 2, 3])
@pytest.mark.parametrize("shape", [(), (2,), (2, 3)])
def test_custom_cell_of_any_offset_and_rank(delay: str, offset: int, shape: tuple[int, ...]) -> None:
    graph = Graph()
    y = accumulator(graph, graph.input("x", shape, SEQUENCE), delay, graph.constant(0.7), offset)
    converted = graph.convert(y)
    assert "Scan" in converted.operators

    def reference(x: Array) -> Array:
        return accumulated(x, np.full((offset, *shape), 0.7), delay, offset)

    holds_for_any_batch(converted, reference, examples=8)


@directions
@pytest.mark.parametrize("offset", [1, 2])
def test_initial_state_per_sample(delay: str, offset: int) -> None:
    graph = Graph()
    y = accumulator(graph, graph.input("x", (2,), SEQUENCE), delay, graph.input("start", (2,), BATCH), offset)

    def reference(x: Array, start: Array) -> Array:
        return accumulated(x, np.stack([start] * offset), delay, offset)

    holds_for_any_batch(graph.convert(y), reference)


@directions
@pytest.mark.parametrize("offset", [1, 2])
def test_state_carried_over_from_another_sequence(delay: str, offset: int) -> None:
    graph = Graph()
    x, other = graph.input("x", (2,), SEQUENCE), graph.input("other", (2,), SEQUENCE)
    y = accumulator(graph, x, delay, other, offset)

    def reference(x: Array, other: Array) -> Array:
        before = other[-offset:] if delay == "PastValue" else other[:offset][::-1]
        return accumulated(x, before, delay, offset)

    holds_for_any_batch(graph.convert(y), reference, shortest=offset)


@directions
def test_two_states_that_feed_each_other(delay: str) -> None:
    graph = Graph()
    x = graph.input("x", (2,), SEQUENCE)
    a_hole, a_old = graph.delay(delay, graph.constant(0.1))
    b_hole, b_old = graph.delay(delay, graph.constant(-0.2), 2)
    a_new = graph.op("Sin", graph.op("Plus", x, b_old))
    b_new = graph.op("Plus", graph.op("ElementTimes", a_new, a_old), b_old)
    graph.bind(a_hole, a_new)
    graph.bind(b_hole, b_new)

    def reference(x: Array) -> Array:
        a, b = [np.full(2, 0.1)], [np.full(2, -0.2)] * 2
        for row in x if delay == "PastValue" else x[::-1]:
            a.append(np.sin(row + b[-2]))
            b.append(a[-1] * a[-2] + b[-2])
        made = np.stack(b[2:])
        return made if delay == "PastValue" else made[::-1]

    holds_for_any_batch(graph.convert(b_new), reference)


def test_loop_with_all_of_its_values_as_outputs() -> None:
    graph = Graph()
    x = graph.input("x", (2,), SEQUENCE)
    hole, old = graph.delay("PastValue", graph.constant(1.0))
    half = graph.op("ElementTimes", old, graph.constant(0.5))
    new = graph.op("Plus", x, half)
    graph.bind(hole, new)
    made = graph.run_all([new, half, old], {"x": [[[1, 2], [3, 4]], [[5, 6], [np.nan, np.nan]]]}, [2, 1])
    assert made[new].tolist() == [[[1.5, 2.5], [3.75, 5.25]], [[5.5, 6.5], [0, 0]]]
    assert made[half].tolist() == [[[0.5, 0.5], [0.75, 1.25]], [[0.5, 0.5], [0, 0]]]
    assert made[old].tolist() == [[[1, 1], [1.5, 2.5]], [[1, 1], [0, 0]]]


def test_one_state_delayed_in_two_ways() -> None:
    graph = Graph()
    x = graph.input("x", (2,), SEQUENCE)
    near_hole, near = graph.delay("PastValue", graph.constant(0.0))
    far_hole, far = graph.delay("PastValue", graph.constant(1.0), 3)
    new = graph.op("Plus", x, graph.op("Minus", near, far))
    graph.bind(near_hole, new)
    graph.bind(far_hole, new)

    def reference(x: Array) -> Array:
        made: list[Array] = []
        for t, row in enumerate(x):
            made.append(row + (made[t - 1] if t else 0.0) - (made[t - 3] if t >= 3 else 1.0))
        return np.stack(made)

    holds_for_any_batch(graph.convert(new), reference)


@directions
def test_softmax_slices_and_splices_work_within_a_step(delay: str) -> None:
    graph = Graph()
    x = graph.input("x", (3,), SEQUENCE)
    hole, old = graph.delay(delay, graph.constant([0.0]))
    joined = graph.op("Splice", x, old, axis=static_axis(0))
    cut = graph.op("Slice", joined, axis=static_axis(0), beginIndex=1, endIndex=4)
    turned = graph.op("Times", graph.parameter(matrix(1, 3, 3)), cut, outputRank=1, inferInputRankToMap=-1)
    new = graph.op("Softmax", turned)
    graph.bind(hole, new)

    def reference(x: Array) -> Array:
        h, made = np.zeros(3), []
        for row in x if delay == "PastValue" else x[::-1]:
            e = np.exp(np.concatenate([row, h])[1:4] @ matrix(1, 3, 3))
            h = e / e.sum()
            made.append(h)
        return np.stack(made if delay == "PastValue" else made[::-1])

    holds_for_any_batch(graph.convert(new), reference)


def test_attention_over_a_batch_value_within_a_step() -> None:
    graph = Graph()
    x, keys = graph.input("x", (2,), SEQUENCE), graph.input("keys", (4, 2), BATCH)
    hole, old = graph.delay("PastValue", graph.constant(0.0))
    query = graph.op("Plus", x, old)
    rows = graph.op("ReconcileDynamicAxis", keys, x)
    products = graph.op("ElementTimes", rows, query)
    scores = graph.op("ReduceElements", products, axis=static_axis(0), reductionOpName="Sum", reductionKeepDimensions=True)
    weights = graph.op("Softmax", scores)
    weighted = graph.op("ElementTimes", weights, rows)
    new = graph.op("ReduceElements", weighted, axis=static_axis(1), reductionOpName="Sum", reductionKeepDimensions=False)
    graph.bind(hole, new)

    def reference(x: Array, keys: Array) -> Array:
        h, made = np.zeros(2), []
        for row in x:
            e = np.exp(keys @ (row + h))
            h = (e / e.sum()) @ keys
            made.append(h)
        return np.stack(made)

    holds_for_any_batch(graph.convert(new), reference)


@directions
def test_loop_that_reads_nothing_but_context_runs_as_long_as_the_sequence(delay: str) -> None:
    graph = Graph()
    x, context = graph.input("x", (), SEQUENCE), graph.input("context", (2,), BATCH)
    y = accumulator(graph, graph.op("ReconcileDynamicAxis", context, x), delay, graph.constant(1.0))
    total = graph.op("Plus", y, x)

    def reference(x: Array, context: Array) -> Array:
        repeated = np.broadcast_to(context, (len(x), 2))
        return np.asarray(accumulated(repeated, np.ones((1, 2)), delay) + x[:, None])

    converted = graph.convert(total)
    assert "Scan" in converted.operators
    holds_for_any_batch(converted, reference)


def test_context_brought_onto_the_axis_is_not_copied_for_every_step() -> None:
    graph = Graph()
    x, keys = graph.input("x", (3,), SEQUENCE), graph.input("keys", (100, 3), BATCH)
    hole, old = graph.delay("PastValue", graph.constant(0.0))
    products = graph.op("ElementTimes", graph.op("ReconcileDynamicAxis", keys, x), graph.op("Plus", x, old))
    new = graph.op("ReduceElements", products, axis=static_axis(1), reductionOpName="Sum", reductionKeepDimensions=False)
    graph.bind(hole, new)
    (scan,) = [node for node in graph.lower(new).model.graph if node.op_type == "Scan"]
    assert scan.attributes["num_scan_inputs"].as_int() == 1


def test_loop_over_gathered_steps_runs_as_long_as_they_do() -> None:
    graph = Graph()
    axes = (DEFAULT_BATCH_AXIS, Axis(AxisKind.SEQUENCE, name="chosen"))
    x, condition = graph.input("x", (2,), SEQUENCE), graph.input("condition", (), SEQUENCE)
    index = graph.op("PackedIndex", x, graph.op("Where", condition, newDynamicAxes=axes))
    y = accumulator(graph, graph.op("GatherPacked", x, index), "FutureValue", graph.constant(0.0))

    def first_is_chosen(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        made = rng.integers(0, 2, shape)
        made[0] = 1
        return made

    def reference(x: Array, condition: Array) -> Array:
        return accumulated(x[condition > 0], np.zeros((1, 2)), "FutureValue")

    holds_for_any_batch(graph.convert(y), reference, {"condition": first_is_chosen})


def test_state_that_ignores_the_input_takes_one_value_per_sample() -> None:
    graph = Graph()
    x = graph.input("x", (), SEQUENCE)
    hole, old = graph.delay("PastValue", graph.constant(1.0))
    zero = graph.op("ReduceElements", graph.op("ConstantOp", x, fillValue=0.0), axis=ALL_STATIC, reductionOpName="Sum")
    new = graph.op("Plus", graph.op("ElementTimes", old, graph.constant(2.0)), zero)
    graph.bind(hole, new)
    holds_for_any_batch(graph.convert(new), lambda x: 2.0 ** np.arange(1, len(x) + 1))


@directions
def test_float64_keeps_its_digits(delay: str) -> None:
    graph = Graph()
    x = graph.input("x", (2,), SEQUENCE, np.float64)
    hole, old = graph.delay(delay, graph.constant(0.1, np.float64))
    new = graph.op("Plus", x, graph.op("ElementTimes", old, graph.constant(0.5, np.float64)))
    graph.bind(hole, new)
    holds_for_any_batch(graph.convert(new), lambda x: accumulated(x, np.full((1, 2), 0.1), delay), tolerance=1e-14)
