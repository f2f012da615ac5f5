"""LSTM, GRU and RNN operators compute what CNTK's cells compute: semantics reference, sections 8.2 and 8.3."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.lower.graphs import BATCH, SEQUENCE, Array, Graph, static_axis
from tests.lower.ragged import holds_for_any_batch
from tests.lower.recurrence.cntk_cells import (
    FORMS,
    HIDDEN,
    INPUTS,
    Form,
    Gru,
    Lstm,
    Rnn,
    Writer,
    recurrence,
    unrolled,
)

CELLS: dict[str, Lstm | Gru | Rnn] = {
    "LSTM": Lstm(),
    "LSTM with peepholes": Lstm(peepholes=True),
    "LSTM with stabilisers": Lstm(peepholes=True, stabilisers=(0.3, -0.2)),
    "LSTM with a projection": Lstm(projected=True, stabilisers=(0.3, -0.2)),
    "LSTM of rectified units": Lstm(activation="ReLU"),
    "GRU": Gru(),
    "GRU that resets after the product": Gru(reset_after=True),
    "GRU of rectified units": Gru(activation="ReLU"),
    "RNN": Rnn(),
    "RNN with a stabiliser": Rnn(stabiliser=0.3),
    "RNN of rectified units": Rnn(activation="ReLU"),
    "RNN of sigmoids": Rnn(activation="StableSigmoid"),
}
DIRECTIONS = {"forwards": "PastValue", "backwards": "FutureValue"}

cells = pytest.mark.parametrize("cell", CELLS.values(), ids=list(CELLS))
directions = pytest.mark.parametrize("delay", DIRECTIONS.values(), ids=list(DIRECTIONS))


def operator(cell: Lstm | Gru | Rnn) -> str:
    """The ONNX operator that computes a cell."""
    return type(cell).__name__.upper()


@cells
@directions
def test_cell_becomes_one_operator_and_equals_its_equations(cell: Lstm | Gru | Rnn, delay: str) -> None:
    graph = Graph()
    y = recurrence(Writer(graph), graph.input("x", (INPUTS,), SEQUENCE), cell, delay=delay)
    converted = graph.convert(y)
    assert operator(cell) in converted.operators
    assert "Scan" not in converted.operators
    holds_for_any_batch(converted, lambda x: unrolled(cell.step, x, backwards=delay == "FutureValue"))


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
@pytest.mark.parametrize("cell", [Lstm(peepholes=True, stabilisers=(0.3, -0.2)), Gru(), Gru(reset_after=True), Rnn()], ids=str)
def test_cell_is_recognised_however_it_is_written(cell: Lstm | Gru | Rnn, form: Form) -> None:
    graph = Graph()
    converted = graph.convert(recurrence(Writer(graph, form), graph.input("x", (INPUTS,), SEQUENCE), cell))
    assert operator(cell) in converted.operators
    assert "Scan" not in converted.operators
    holds_for_any_batch(converted, lambda x: unrolled(cell.step, x), examples=4)


@pytest.mark.parametrize("cell", [Lstm(peepholes=True), Gru(), Rnn()], ids=str)
@directions
def test_initial_states_are_constants(cell: Lstm | Gru | Rnn, delay: str) -> None:
    graph = Graph()
    start = np.array([0.1, -0.2])
    initial = (graph.constant(start), graph.constant(0.1))
    y = recurrence(Writer(graph), graph.input("x", (INPUTS,), SEQUENCE), cell, delay=delay, initial=initial)
    converted = graph.convert(y)
    assert operator(cell) in converted.operators

    def reference(x: Array) -> Array:
        return unrolled(cell.step, x, start, np.full(HIDDEN, 0.1), backwards=delay == "FutureValue")

    holds_for_any_batch(converted, reference)


@pytest.mark.parametrize("cell", [Lstm(), Gru(), Rnn()], ids=str)
@directions
def test_initial_states_differ_from_sample_to_sample(cell: Lstm | Gru | Rnn, delay: str) -> None:
    graph = Graph()
    initial = (graph.input("h0", (HIDDEN,), BATCH), graph.input("c0", (1,), BATCH))
    y = recurrence(Writer(graph), graph.input("x", (INPUTS,), SEQUENCE), cell, delay=delay, initial=initial)
    converted = graph.convert(y)
    assert operator(cell) in converted.operators

    def reference(x: Array, h0: Array, c0: Array | None = None) -> Array:
        before = None if c0 is None else np.broadcast_to(c0, (HIDDEN,))
        return unrolled(cell.step, x, h0, before, backwards=delay == "FutureValue")

    holds_for_any_batch(converted, reference)


@cells
@directions
def test_the_same_network_in_float64_becomes_a_scan_and_agrees(cell: Lstm | Gru | Rnn, delay: str) -> None:
    graph = Graph()
    x = graph.input("x", (INPUTS,), SEQUENCE, np.float64)
    converted = graph.convert(recurrence(Writer(graph, dtype=np.float64), x, cell, delay=delay))
    assert "Scan" in converted.operators
    assert operator(cell) not in converted.operators
    backwards = delay == "FutureValue"
    # onnxruntime multiplies the scalar of a stabiliser into the product behind it, and rounds it to float32 for that.
    is_stabilised = getattr(cell, "stabiliser", None) or getattr(cell, "stabilisers", None)
    tolerance = 1e-8 if is_stabilised else 1e-12
    holds_for_any_batch(converted, lambda x: unrolled(cell.step, x, backwards=backwards), tolerance=tolerance, examples=6)


@pytest.mark.parametrize("cell", [Lstm(), Gru(), Rnn()], ids=str)
def test_float16_recurrence_runs_in_float32_and_is_rounded_once(cell: Lstm | Gru | Rnn) -> None:
    graph = Graph()
    x = graph.input("x", (INPUTS,), SEQUENCE, np.float16)
    y = recurrence(Writer(graph, dtype=np.float16), x, cell)
    converted = graph.convert(y)
    values = np.random.default_rng(0).standard_normal((1, 4, INPUTS)).astype(np.float16)
    made = converted.run({"x": values})[y]
    assert made.dtype == np.float16
    np.testing.assert_allclose(made[0], unrolled(cell.step, values[0]), atol=4e-3)
    assert converted.lowered.report.float32_nodes


@pytest.mark.parametrize("cells", [(Lstm(), Lstm()), (Gru(), Gru()), (Rnn(), Rnn())], ids=lambda cells: str(cells[0]))
@pytest.mark.parametrize("backwards_first", [False, True])
def test_both_directions_over_one_sequence_make_one_operator(cells: tuple[Any, Any], backwards_first: bool) -> None:
    graph = Graph()
    x = graph.input("x", (INPUTS,), SEQUENCE)
    forward, backward = cells
    ahead = recurrence(Writer(graph), x, forward)
    back = recurrence(Writer(graph), x, backward, delay="FutureValue")
    parts = (back, ahead) if backwards_first else (ahead, back)
    converted = graph.convert(graph.op("Splice", *parts, axis=static_axis(0)))
    assert converted.operators.count(operator(forward)) == 1

    def reference(x: Array) -> Array:
        made = [unrolled(forward.step, x), unrolled(backward.step, x, backwards=True)]
        return np.concatenate(made[::-1] if backwards_first else made, axis=1)

    holds_for_any_batch(converted, reference)


def test_directions_that_are_read_apart_still_make_one_operator() -> None:
    graph = Graph()
    x = graph.input("x", (INPUTS,), SEQUENCE)
    cell = Lstm()
    ahead = graph.op("Tanh", recurrence(Writer(graph), x, cell))
    back = graph.op("Negate", recurrence(Writer(graph), x, cell, delay="FutureValue"))
    converted = graph.convert(graph.op("Plus", ahead, back))
    assert converted.operators.count("LSTM") == 1
    holds_for_any_batch(converted, lambda x: np.tanh(unrolled(cell.step, x)) - unrolled(cell.step, x, backwards=True))


def test_directions_over_different_sequences_stay_two_operators() -> None:
    graph = Graph()
    x = graph.input("x", (INPUTS,), SEQUENCE)
    cell = Lstm()
    ahead = recurrence(Writer(graph), x, cell)
    back = recurrence(Writer(graph), graph.op("Tanh", x), cell, delay="FutureValue")
    converted = graph.convert(graph.op("Plus", ahead, back))
    assert converted.operators.count("LSTM") == 2


def test_stacked_cells_make_two_operators() -> None:
    graph = Graph()
    first, second = Rnn(), Rnn(activation="ReLU")
    lower = recurrence(Writer(graph), graph.input("x", (INPUTS,), SEQUENCE), first)
    wide = graph.op("Splice", lower, lower, axis=static_axis(0))
    cut = graph.op("Slice", wide, axis=static_axis(0), beginIndex=0, endIndex=INPUTS)
    converted = graph.convert(recurrence(Writer(graph), cut, second, delay="FutureValue"))
    assert converted.operators.count("RNN") == 2

    def reference(x: Array) -> Array:
        below = unrolled(first.step, x)
        return unrolled(second.step, np.concatenate([below, below], axis=1)[:, :INPUTS], backwards=True)

    holds_for_any_batch(converted, reference)


@pytest.mark.parametrize("cell", [Lstm(), Gru(), Rnn()], ids=str)
def test_delayed_state_may_be_read_outside_too(cell: Lstm | Gru | Rnn) -> None:
    graph = Graph()
    x = graph.input("x", (INPUTS,), SEQUENCE)
    state = recurrence(Writer(graph), x, cell)
    y = graph.op("Plus", state, graph.op("PastValue", state, graph.constant([0.0]), offset=1))
    converted = graph.convert(y)
    assert operator(cell) in converted.operators

    def reference(x: Array) -> Array:
        made = unrolled(cell.step, x)
        return np.asarray(made + np.concatenate([np.zeros((1, HIDDEN)), made[:-1]]))

    holds_for_any_batch(converted, reference)


def test_context_of_the_sample_joins_the_input_at_every_step() -> None:
    graph = Graph()
    x, context = graph.input("x", (INPUTS,), SEQUENCE), graph.input("context", (HIDDEN,), BATCH)
    writer, cell = Writer(graph), Rnn()
    hole, old = graph.delay("PastValue", graph.constant([0.0]))
    total = writer.add(writer.projections(1, x, old, cell.w, cell.h, cell.b)[0], graph.op("ReconcileDynamicAxis", context, x))
    new = graph.op("Tanh", total)
    graph.bind(hole, new)
    converted = graph.convert(new)
    assert "RNN" in converted.operators

    def reference(x: Array, context: Array) -> Array:
        def step(row: Array, state: Array, cell_state: Array) -> tuple[Array, Array]:
            return np.tanh(row @ cell.w + state @ cell.h + cell.b + context), cell_state

        return unrolled(step, x)

    holds_for_any_batch(converted, reference)


def test_projection_outside_the_loop_is_not_computed_twice() -> None:
    graph = Graph()
    y = recurrence(Writer(graph), graph.input("x", (INPUTS,), SEQUENCE), Lstm())
    assert "MatMul" not in graph.operators(y)


def test_two_recurrences_over_one_input_stay_apart() -> None:
    graph = Graph()
    x = graph.input("x", (INPUTS,), SEQUENCE)
    first, second = Gru(), Rnn()
    y = graph.op("Plus", recurrence(Writer(graph), x, first), recurrence(Writer(graph), x, second))
    holds_for_any_batch(graph.convert(y), lambda x: unrolled(first.step, x) + unrolled(second.step, x))
