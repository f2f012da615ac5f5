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


def doubled(graph: Graph, value: str, times: int) -> str:
    """``value`` added to itself, and the sum to itself, and so on."""
    for _ in range(times):
        value = graph.op("Plus", value, value)
    return value


@pytest.mark.parametrize("is_inside", [True, False])
def test_sums_of_sums_without_end_are_not_taken_apart(is_inside: bool) -> None:
    graph = Graph()
    writer = Writer(graph)
    x = graph.input("x", (HIDDEN,), SEQUENCE)
    hole, old = graph.delay("PastValue", graph.constant([0.0]))
    product = writer.times(old, matrix(1, HIDDEN, HIDDEN) * 2.0**-60)
    total = writer.add(doubled(graph, product, 60), x) if is_inside else writer.add(product, doubled(graph, x, 60))
    graph.bind(hole, graph.op("Tanh", total))
    assert {"RNN", "Scan"} & set(graph.operators(graph.op("Negate", old)))


@pytest.mark.parametrize("operator", ["Plus", "ElementTimes"])
def test_chains_of_any_length_need_no_recursion(operator: str) -> None:
    graph = Graph()
    writer = Writer(graph)
    x = graph.input("x", (HIDDEN,), SEQUENCE)
    hole, old = graph.delay("PastValue", graph.constant([0.0]))
    value = old
    for _ in range(3000):
        value = graph.op(operator, value, graph.constant(1.0))
    new = graph.op("Tanh", writer.add(x, writer.times(value, matrix(1, HIDDEN, HIDDEN))))
    graph.bind(hole, new)
    assert {"RNN", "Scan"} & set(graph.operators(new))


def test_state_that_is_said_to_be_enormous_takes_no_memory() -> None:
    graph = Graph()
    x = graph.input("x", (1 << 34,), SEQUENCE)
    hole, old = graph.delay("PastValue", graph.constant([0.0]))
    new = graph.op("Tanh", graph.op("Plus", x, graph.op("ElementTimes", old, graph.constant(0.5))))
    graph.bind(hole, new)
    assert "Scan" in graph.operators(new)


def test_columns_of_an_enormous_input_are_cut_before_they_are_multiplied() -> None:
    graph = Graph()
    writer = Writer(graph)
    x = graph.input("x", (1 << 34,), SEQUENCE)
    cut = graph.op("Slice", x, axis=static_axis(0), beginIndex=5, endIndex=5 + HIDDEN)
    hole, old = graph.delay("PastValue", graph.constant([0.0]))
    new = graph.op("Tanh", writer.add(cut, writer.times(old, matrix(1, HIDDEN, HIDDEN))))
    graph.bind(hole, new)
    assert {"RNN", "Scan"} & set(graph.operators(new))
