"""What is nearly an LSTM, GRU or RNN is none: it becomes a Scan and keeps its own numbers."""

from __future__ import annotations

import numpy as np
import pytest

from tests.lower.graphs import SEQUENCE, Array, Converted, Graph
from tests.lower.ragged import Reference, holds_for_any_batch
from tests.lower.recurrence.cntk_cells import HIDDEN, INPUTS, Gru, Lstm, Rnn, Writer, recurrence, sigmoid, unrolled

START = np.array([0.3, -0.4], np.float32)


def is_a_scan(converted: Converted, reference: Reference) -> None:
    """Check that nothing was taken for a cell, and that the numbers agree."""
    assert "Scan" in converted.operators
    assert not {"LSTM", "GRU", "RNN"} & set(converted.operators)
    holds_for_any_batch(converted, reference)


def loop(graph: Graph, writer: Writer) -> tuple[str, str, str]:
    """An input, the hole for the new state and the state before."""
    return graph.input("x", (INPUTS,), SEQUENCE), *graph.delay("PastValue", graph.constant([0.0], writer.dtype))


def test_gru_with_a_stabiliser_is_none() -> None:
    graph, cell = Graph(), Gru(stabiliser=0.3)
    y = recurrence(Writer(graph), graph.input("x", (INPUTS,), SEQUENCE), cell)
    is_a_scan(graph.convert(y), lambda x: unrolled(cell.step, x))


def test_lstm_with_a_projected_initial_state_is_none() -> None:
    graph, cell = Graph(), Lstm(projected=True)
    initial = (graph.constant(START), graph.constant(START))
    y = recurrence(Writer(graph), graph.input("x", (INPUTS,), SEQUENCE), cell, initial=initial)
    is_a_scan(graph.convert(y), lambda x: unrolled(cell.step, x, START, START))


def test_lstm_whose_cell_state_is_an_output_too_gives_both() -> None:
    graph, cell = Graph(), Lstm(peepholes=True)
    writer = Writer(graph)
    x, hole, old = loop(graph, writer)
    cell_hole, old_cell = graph.delay("PastValue", graph.constant([0.0]))
    new, new_cell = cell.write(writer, x, old, old_cell)
    graph.bind(hole, new)
    graph.bind(cell_hole, new_cell)

    def cells(x: Array) -> Array:
        h, c, made = np.zeros(HIDDEN), np.zeros(HIDDEN), []
        for row in x:
            h, c = cell.step(row, h, c)
            made.append(c)
        return np.stack(made)

    holds_for_any_batch(graph.convert(new_cell, new), cells)
    holds_for_any_batch(graph.convert(new, new_cell), lambda x: unrolled(cell.step, x))


def test_lstm_whose_output_gate_peeks_at_the_old_cell_is_none() -> None:
    graph, cell = Graph(), Lstm()
    writer = Writer(graph)
    x, hole, old = loop(graph, writer)
    cell_hole, old_cell = graph.delay("PastValue", graph.constant([0.0]))
    i, g, f, o = writer.projections(4, x, old, cell.w, cell.h, cell.b)
    new_cell = writer.add(writer.multiply(writer.sigmoid(f), old_cell), writer.multiply(writer.sigmoid(i), graph.op("Tanh", g)))
    peeked = writer.add(o, writer.multiply(writer.parameter(cell.co), old_cell))
    new = writer.multiply(writer.sigmoid(peeked), graph.op("Tanh", new_cell))
    graph.bind(hole, new)
    graph.bind(cell_hole, new_cell)

    def step(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        i, g, f, o = np.split(cell.b + x @ cell.w + h @ cell.h, 4)
        fresh = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o + cell.co * c) * np.tanh(fresh), fresh

    is_a_scan(graph.convert(new), lambda x: unrolled(step, x))


def test_lstm_whose_candidate_peeks_at_the_cell_is_none() -> None:
    graph, cell = Graph(), Lstm()
    writer = Writer(graph)
    x, hole, old = loop(graph, writer)
    cell_hole, old_cell = graph.delay("PastValue", graph.constant([0.0]))
    i, g, f, o = writer.projections(4, x, old, cell.w, cell.h, cell.b)
    peeked = writer.add(g, writer.multiply(writer.parameter(cell.ci), old_cell))
    added = writer.multiply(writer.sigmoid(i), graph.op("Tanh", peeked))
    new_cell = writer.add(writer.multiply(writer.sigmoid(f), old_cell), added)
    new = writer.multiply(writer.sigmoid(o), graph.op("Tanh", new_cell))
    graph.bind(hole, new)
    graph.bind(cell_hole, new_cell)

    def step(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        i, g, f, o = np.split(cell.b + x @ cell.w + h @ cell.h, 4)
        fresh = sigmoid(f) * c + sigmoid(i) * np.tanh(g + cell.ci * c)
        return sigmoid(o) * np.tanh(fresh), fresh

    is_a_scan(graph.convert(new), lambda x: unrolled(step, x))


def test_lstm_with_different_initial_states_of_one_hidden_value_is_none() -> None:
    graph, cell = Graph(), Rnn()
    writer = Writer(graph)
    x, hole, old = loop(graph, writer)
    other_hole, other = graph.delay("PastValue", graph.constant(START))
    total = writer.add(writer.projections(1, x, old, cell.w, cell.h, cell.b)[0], writer.times(other, cell.h))
    new = graph.op("Tanh", total)
    graph.bind(hole, new)
    graph.bind(other_hole, new)

    def reference(x: Array) -> Array:
        h, other, made = np.zeros(HIDDEN), START.astype(np.float64), []
        for row in x:
            h = other = np.tanh(row @ cell.w + h @ cell.h + other @ cell.h + cell.b)
            made.append(h)
        return np.stack(made)

    is_a_scan(graph.convert(new), reference)


def test_gru_that_mixes_in_another_state_is_none() -> None:
    graph, cell = Graph(), Gru()
    writer = Writer(graph)
    x, hole, old = loop(graph, writer)
    far_hole, far = graph.delay("PastValue", graph.constant([0.0]), 2)
    z = writer.sigmoid(writer.projections(1, x, old, cell.w[:, :HIDDEN], cell.h1, cell.b[:HIDDEN])[0])
    fresh = graph.op("Tanh", writer.times(x, cell.w[:, HIDDEN : 2 * HIDDEN]))
    kept = writer.multiply(graph.op("Minus", graph.constant(1.0), z), fresh)
    new = writer.add(kept, writer.multiply(z, far))
    graph.bind(hole, new)
    graph.bind(far_hole, new)

    def reference(x: Array) -> Array:
        made = [np.zeros(HIDDEN), np.zeros(HIDDEN)]
        for row in x:
            z = sigmoid(row @ cell.w[:, :HIDDEN] + made[-1] @ cell.h1 + cell.b[:HIDDEN])
            made.append((1 - z) * np.tanh(row @ cell.w[:, HIDDEN : 2 * HIDDEN]) + z * made[-2])
        return np.stack(made[2:])

    is_a_scan(graph.convert(new), reference)


def test_gru_whose_complement_is_not_of_one_is_none() -> None:
    graph, cell = Graph(), Gru()
    writer = Writer(graph)
    x, hole, old = loop(graph, writer)
    z = writer.sigmoid(writer.add(writer.times(x, cell.w[:, :HIDDEN]), writer.times(old, cell.h1)))
    r = writer.sigmoid(writer.times(old, cell.h1))
    fresh = graph.op("Tanh", writer.add(writer.times(x, cell.w[:, -HIDDEN:]), writer.times(writer.multiply(r, old), cell.h1)))
    rest = graph.op("Minus", graph.constant(0.5), z)
    new = writer.add(writer.multiply(rest, fresh), writer.multiply(z, old))
    graph.bind(hole, new)

    def step(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        z, r = sigmoid(x @ cell.w[:, :HIDDEN] + h @ cell.h1), sigmoid(h @ cell.h1)
        return (0.5 - z) * np.tanh(x @ cell.w[:, -HIDDEN:] + (r * h) @ cell.h1) + z * h, c

    is_a_scan(graph.convert(new), lambda x: unrolled(step, x))


def test_cell_with_one_gate_read_outside_is_none_and_gives_the_gate() -> None:
    graph, cell = Graph(), Rnn()
    writer = Writer(graph)
    x, hole, old = loop(graph, writer)
    total = writer.projections(1, x, old, cell.w, cell.h, cell.b)[0]
    new = graph.op("Tanh", total)
    graph.bind(hole, new)

    def reference(x: Array) -> Array:
        h, made = np.zeros(HIDDEN), []
        for row in x:
            made.append(row @ cell.w + h @ cell.h + cell.b)
            h = np.tanh(made[-1])
        return np.stack(made)

    is_a_scan(graph.convert(total, new), reference)


@pytest.mark.parametrize("operator", ["Sin", "Exp"])
def test_cell_with_an_activation_that_onnx_lacks_is_none(operator: str) -> None:
    graph, cell = Graph(), Rnn()
    writer = Writer(graph)
    x, hole, old = loop(graph, writer)
    new = graph.op(operator, graph.op("Negate", graph.op("Abs", writer.projections(1, x, old, cell.w, cell.h, cell.b)[0])))
    graph.bind(hole, new)
    function = {"Sin": np.sin, "Exp": np.exp}[operator]

    def step(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        return function(-np.abs(x @ cell.w + h @ cell.h + cell.b)), c

    is_a_scan(graph.convert(new), lambda x: unrolled(step, x))


def test_cell_with_a_skip_connection_is_none() -> None:
    graph, cell = Graph(), Rnn()
    writer = Writer(graph)
    x, hole, old = loop(graph, writer)
    new = writer.add(graph.op("Tanh", writer.projections(1, x, old, cell.w, cell.h, cell.b)[0]), old)
    graph.bind(hole, new)

    def step(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        return np.tanh(x @ cell.w + h @ cell.h + cell.b) + h, c

    is_a_scan(graph.convert(new), lambda x: unrolled(step, x))


def test_cell_of_two_steps_ago_is_none() -> None:
    graph, cell = Graph(), Rnn()
    x = graph.input("x", (INPUTS,), SEQUENCE)
    hole, old = graph.delay("PastValue", graph.constant(START), 2)
    new = cell.write(Writer(graph), x, old)
    graph.bind(hole, new)

    def reference(x: Array) -> Array:
        made = [START.astype(np.float64)] * 2
        for row in x:
            made.append(np.tanh(row @ cell.w + made[-2] @ cell.h + cell.b))
        return np.stack(made[2:])

    is_a_scan(graph.convert(new), reference)
