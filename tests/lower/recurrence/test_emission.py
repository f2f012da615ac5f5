"""Two directions over one sequence run as one bidirectional operator, and compute what they compute apart."""

from __future__ import annotations

import numpy as np
import pytest

from tests.lower.graphs import BATCH, SEQUENCE, Array, Graph, static_axis
from tests.lower.ragged import holds_for_any_batch
from tests.lower.recurrence.cntk_cells import HIDDEN, INPUTS, Gru, Lstm, Rnn, Writer, recurrence, unrolled

CELLS = {"LSTM": Lstm(), "LSTM with peepholes": Lstm(peepholes=True), "GRU": Gru(), "RNN": Rnn()}
cells = pytest.mark.parametrize("cell", CELLS.values(), ids=list(CELLS))


def both(graph: Graph, cell: Lstm | Gru | Rnn, initial: tuple[str, ...] = ()) -> tuple[str, str]:
    """The two directions of a cell over ``x``."""
    x = graph.input("x", (INPUTS,), SEQUENCE)
    ahead = recurrence(Writer(graph), x, cell, initial=initial)
    return ahead, recurrence(Writer(graph), x, cell, delay="FutureValue")


def reference(cell: Lstm | Gru | Rnn, x: Array) -> tuple[Array, Array]:
    return unrolled(cell.step, x), unrolled(cell.step, x, backwards=True)


@cells
@pytest.mark.parametrize("backwards_first", [False, True])
def test_spliced_directions_are_one_operator(cell: Lstm | Gru | Rnn, backwards_first: bool) -> None:
    graph = Graph()
    order = -1 if backwards_first else 1
    y = graph.op("Splice", *both(graph, cell)[::order], axis=static_axis(0))
    converted = graph.convert(y)
    assert converted.operators.count(type(cell).__name__.upper()) == 1
    holds_for_any_batch(converted, lambda x: np.concatenate(reference(cell, x)[::order], axis=1))


@cells
def test_directions_that_are_added_are_one_operator_too(cell: Lstm | Gru | Rnn) -> None:
    graph = Graph()
    converted = graph.convert(graph.op("Plus", *both(graph, cell)))
    assert converted.operators.count(type(cell).__name__.upper()) == 1
    holds_for_any_batch(converted, lambda x: np.add(*reference(cell, x)))


@cells
def test_each_direction_keeps_its_initial_state(cell: Lstm | Gru | Rnn) -> None:
    graph = Graph()
    start = graph.input("start", (HIDDEN,), BATCH)
    y = graph.op("Splice", *both(graph, cell, (start, start)), axis=static_axis(0))

    def together(x: Array, start: Array) -> Array:
        return np.concatenate([unrolled(cell.step, x, start, start), reference(cell, x)[1]], axis=1)

    holds_for_any_batch(graph.convert(y), together)


@pytest.mark.parametrize("equal", [True, False])
def test_constant_initial_states_are_laid_out_at_conversion(equal: bool) -> None:
    """BrainScript starts both states of both directions at 0.1: one Expand makes them, beside that of the lengths."""
    graph, cell = Graph(), Lstm()
    values = [np.float32(0.1), np.float32(0.1) if equal else np.linspace(-1, 1, HIDDEN, dtype=np.float32)]
    constants = graph.constant(values[0]), graph.constant(values[1])
    x = graph.input("x", (INPUTS,), SEQUENCE)
    initial = (constants[0], constants[0]) if equal else constants
    ways = [recurrence(Writer(graph), x, cell, delay=delay, initial=initial) for delay in ("PastValue", "FutureValue")]
    converted = graph.convert(graph.op("Splice", *ways, axis=static_axis(0)))
    assert converted.operators.count("Expand") == (2 if equal else 3)
    assert converted.operators.count("LSTM") == 1

    def together(x: Array) -> Array:
        states = [np.broadcast_to(value, (HIDDEN,)) for value in values]
        return np.concatenate([unrolled(cell.step, x, *states), unrolled(cell.step, x, *states, backwards=True)], axis=1)

    holds_for_any_batch(converted, together)


def test_directions_of_different_cells_stay_apart() -> None:
    graph = Graph()
    x = graph.input("x", (INPUTS,), SEQUENCE)
    ahead, back = Lstm(peepholes=True), Lstm()
    y = graph.op("Plus", recurrence(Writer(graph), x, ahead), recurrence(Writer(graph), x, back, delay="FutureValue"))
    converted = graph.convert(y)
    assert converted.operators.count("LSTM") == 2
    holds_for_any_batch(converted, lambda x: unrolled(ahead.step, x) + unrolled(back.step, x, backwards=True))


def test_directions_over_different_inputs_stay_apart() -> None:
    graph = Graph()
    x, z = graph.input("x", (INPUTS,), SEQUENCE), graph.input("z", (INPUTS,), SEQUENCE)
    cell = Rnn()
    y = graph.op("Plus", recurrence(Writer(graph), x, cell), recurrence(Writer(graph), z, cell, delay="FutureValue"))
    converted = graph.convert(y)
    assert converted.operators.count("RNN") == 2
    holds_for_any_batch(converted, lambda x, z: unrolled(cell.step, x) + unrolled(cell.step, z, backwards=True))


def test_three_directions_are_two_operators() -> None:
    graph = Graph()
    x = graph.input("x", (INPUTS,), SEQUENCE)
    cell = Gru()
    made = [recurrence(Writer(graph), x, cell, delay=delay) for delay in ("PastValue", "FutureValue", "PastValue")]
    y = graph.op("Splice", *made, axis=static_axis(0))
    converted = graph.convert(y)
    assert converted.operators.count("GRU") == 2
    holds_for_any_batch(converted, lambda x: np.concatenate([*reference(cell, x), reference(cell, x)[0]], axis=1))


def test_layers_of_two_directions_stack() -> None:
    graph = Graph()
    first, second = both(graph, Lstm())
    middle = graph.op("Splice", first, second, axis=static_axis(0))
    narrow = graph.op("Slice", middle, axis=static_axis(0), beginIndex=0, endIndex=INPUTS)
    cell = Lstm()
    top = [recurrence(Writer(graph), narrow, cell, delay=delay) for delay in ("PastValue", "FutureValue")]
    y = graph.op("Splice", *top, axis=static_axis(0))
    converted = graph.convert(y)
    assert converted.operators.count("LSTM") == 2

    def layered(x: Array) -> Array:
        below = np.concatenate(reference(cell, x), axis=1)[:, :INPUTS]
        return np.concatenate(reference(cell, below), axis=1)

    holds_for_any_batch(converted, layered)


def test_both_directions_and_their_splice_may_be_outputs() -> None:
    graph = Graph()
    cell = Rnn()
    ahead, back = both(graph, cell)
    y = graph.op("Splice", ahead, back, axis=static_axis(0))
    x = np.random.default_rng(0).standard_normal((1, 4, INPUTS)).astype(np.float32)
    made = graph.run_all([back, y, ahead], {"x": x})
    expected = reference(cell, x[0])
    np.testing.assert_allclose(made[ahead][0], expected[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(made[back][0], expected[1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(made[y][0], np.concatenate(expected, axis=1), rtol=1e-5, atol=1e-6)
