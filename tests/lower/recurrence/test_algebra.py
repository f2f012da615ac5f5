"""Operators that do nothing, scalar factors and odd slices do not hide a cell."""

from __future__ import annotations

import numpy as np
import pytest

from tests.lower.graphs import SEQUENCE, Array, Graph, static_axis
from tests.lower.ragged import holds_for_any_batch
from tests.lower.recurrence.cntk_cells import HIDDEN, INPUTS, Lstm, Rnn, Writer, matrix, recurrence, unrolled


class Hidden(Writer):
    """Puts an operator that does nothing behind every product and every gate."""

    def times(self, value: str, weight: Array) -> str:
        return self.graph.op("Dropout", super().times(value, weight), dropoutRate=0.5)

    def sigmoid(self, value: str) -> str:
        return self.graph.op("NoOp", super().sigmoid(self.graph.op("Pass", value)))


@pytest.mark.parametrize("cell", [Lstm(peepholes=True), Lstm(projected=True), Rnn()], ids=str)
def test_operators_that_do_nothing_are_looked_through(cell: Lstm | Rnn) -> None:
    graph = Graph()
    converted = graph.convert(recurrence(Hidden(graph), graph.input("x", (INPUTS,), SEQUENCE), cell))
    assert type(cell).__name__.upper() in converted.operators
    holds_for_any_batch(converted, lambda x: unrolled(cell.step, x))


def test_scalar_factors_multiply_the_matrix() -> None:
    graph = Graph()
    writer, h = Writer(graph), matrix(1, HIDDEN, HIDDEN)
    x = graph.input("x", (HIDDEN,), SEQUENCE)
    hole, old = graph.delay("PastValue", graph.constant([0.0]))
    halved = graph.op("ElementTimes", graph.constant(0.5), graph.op("ElementTimes", old, graph.constant([-3.0])))
    new = graph.op("Tanh", writer.add(x, writer.times(halved, h)))
    graph.bind(hole, new)
    converted = graph.convert(new)
    assert "RNN" in converted.operators

    def step(x: Array, state: Array, cell: Array) -> tuple[Array, Array]:
        return np.tanh(x - 1.5 * state @ h), cell

    holds_for_any_batch(converted, lambda x: unrolled(step, x))


def test_scalar_bias_counts_for_every_column() -> None:
    graph = Graph()
    writer, h = Writer(graph), matrix(1, HIDDEN, HIDDEN)
    x = graph.input("x", (HIDDEN,), SEQUENCE)
    hole, old = graph.delay("PastValue", graph.constant([0.0]))
    new = graph.op("Tanh", writer.add(writer.add(x, graph.constant(0.25)), writer.times(old, h)))
    graph.bind(hole, new)
    converted = graph.convert(new)

    def step(x: Array, state: Array, cell: Array) -> tuple[Array, Array]:
        return np.tanh(x + 0.25 + state @ h), cell

    holds_for_any_batch(converted, lambda x: unrolled(step, x))


def test_two_products_with_the_state_add_up() -> None:
    graph = Graph()
    writer, first, second = Writer(graph), matrix(1, HIDDEN, HIDDEN), matrix(2, HIDDEN, HIDDEN)
    x = graph.input("x", (HIDDEN,), SEQUENCE)
    hole, old = graph.delay("FutureValue", graph.constant([0.0]))
    new = graph.op("Tanh", writer.add(writer.times(old, first), writer.add(x, writer.times(old, second))))
    graph.bind(hole, new)
    converted = graph.convert(new)
    assert "RNN" in converted.operators

    def step(x: Array, state: Array, cell: Array) -> tuple[Array, Array]:
        return np.tanh(x + state @ (first + second)), cell

    holds_for_any_batch(converted, lambda x: unrolled(step, x, backwards=True))


def test_slice_of_a_slice_finds_its_columns() -> None:
    graph = Graph()
    writer, w, h = Writer(graph), matrix(1, INPUTS, 6), matrix(2, HIDDEN, 6)
    x = graph.input("x", (INPUTS,), SEQUENCE)
    hole, old = graph.delay("PastValue", graph.constant([0.0]))
    wide = writer.add(writer.times(x, w), writer.times(old, h))
    middle = graph.op("Slice", wide, axis=static_axis(0), beginIndex=1, endIndex=5)
    cut = graph.op("Slice", middle, axis=static_axis(-1), beginIndex=-2, endIndex=0)
    new = graph.op("Tanh", cut)
    graph.bind(hole, new)
    converted = graph.convert(new)
    assert "RNN" in converted.operators

    def step(x: Array, state: Array, cell: Array) -> tuple[Array, Array]:
        return np.tanh((x @ w + state @ h)[3:5]), cell

    holds_for_any_batch(converted, lambda x: unrolled(step, x))


def test_two_inputs_are_joined() -> None:
    graph = Graph()
    writer, u, w, h = Writer(graph), matrix(1, 1, HIDDEN), matrix(2, INPUTS, HIDDEN), matrix(3, HIDDEN, HIDDEN)
    a, b = graph.input("a", (1,), SEQUENCE), graph.input("b", (INPUTS,), SEQUENCE)
    hole, old = graph.delay("PastValue", graph.constant([0.0]))
    new = graph.op("Tanh", writer.add(writer.add(writer.times(a, u), writer.times(old, h)), writer.times(b, w)))
    graph.bind(hole, new)
    converted = graph.convert(new)
    assert "RNN" in converted.operators

    def reference(a: Array, b: Array) -> Array:
        def step(row: Array, state: Array, cell: Array) -> tuple[Array, Array]:
            return np.tanh(row[:1] @ u + row[1:] @ w + state @ h), cell

        return unrolled(step, np.concatenate([a, b], axis=1))

    holds_for_any_batch(converted, reference)
