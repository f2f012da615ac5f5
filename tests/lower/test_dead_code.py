"""Nodes that no output needs are dropped, and what loop bodies read from outside is kept."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from bridge.lower.builder import OPSET, Builder, Constants, Names
from bridge.lower.dead_code import live_nodes, values_read
from tests.lower.graphs import SEQUENCE, Graph
from tests.lower.recurrence.cntk_cells import INPUTS, Lstm, Rnn, Writer, recurrence


def builder() -> Builder:
    names = Names()
    return Builder(Constants(names), names)


def test_nodes_are_kept_in_order_when_an_output_needs_them() -> None:
    b = builder()
    x = ir.Value(name="x")
    used = b.op("Neg", x)
    b.op("Exp", used)
    result = b.op("Abs", used)
    assert [node.op_type for node in live_nodes(b.nodes, [result])] == ["Neg", "Abs"]


def test_one_needed_output_keeps_its_node() -> None:
    b = builder()
    _, indices = b.ops("TopK", 2, ir.Value(name="x"), b.integers(1))
    assert [node.op_type for node in live_nodes(b.nodes, [indices])] == ["TopK"]


def test_bodies_of_loops_read_what_stands_outside() -> None:
    b, inner = builder(), builder()
    captured = b.op("Neg", ir.Value(name="x"))
    made = inner.op("Add", captured, ir.Value(name="step"))
    body = ir.Graph([], [made], nodes=inner.nodes, opset_imports={"": OPSET})
    assert captured in values_read(body)
    result = b.op("Scan", ir.Value(name="y"), body=body, num_scan_inputs=1)
    assert [node.op_type for node in live_nodes(b.nodes, [result])] == ["Neg", "Scan"]


def test_model_holds_no_node_that_nothing_reads() -> None:
    graph = Graph()
    x = graph.input("x", (INPUTS,), SEQUENCE)
    y = graph.op("Plus", recurrence(Writer(graph), x, Lstm()), recurrence(Writer(graph), x, Rnn(), delay="FutureValue"))
    lowered = graph.lower(y).model.graph
    read = {value for node in lowered for value in node.inputs} | set(lowered.outputs)
    assert all(any(output in read for output in node.outputs) for node in lowered)
    stored = {name for name in lowered.initializers if name != "lengths"}
    assert stored == {value.name for value in read if value is not None and value.name in lowered.initializers} - {"lengths"}


def test_projection_that_an_lstm_takes_over_leaves_no_weights_behind() -> None:
    graph = Graph()
    y = recurrence(Writer(graph), graph.input("x", (INPUTS,), SEQUENCE), Lstm())
    sizes = [
        value.const_value.size for value in graph.lower(y).model.graph.initializers.values() if value.const_value is not None
    ]
    weights = Lstm.w.size + Lstm.h.size + 2 * Lstm.b.size
    assert sum(size for size in sizes if size > 8) == weights
    assert np.prod(Lstm.w.shape) in sizes
