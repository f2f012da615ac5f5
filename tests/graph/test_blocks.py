"""Blocks are kept by what is inside them, never by their name alone."""

from __future__ import annotations

import time

from bridge.graph.blocks import kept_blocks
from bridge.graph.model import Axis, AxisKind, Model, NDShape
from tests.lower.graphs import Graph, static_axis

LAST = static_axis(0)


def log_softmax(graph: Graph, x: str, **reduction: object) -> str:
    """The shortest inside that is recognised."""
    inner = graph.placeholder(f"inner_{x}")
    attributes = {"axis": LAST, "reductionKeepDimensions": True, "reductionOpName": "LogSum"} | reduction
    total = graph.op("ReduceElements", inner, **attributes)  # type: ignore[arg-type]
    return graph.block("LogSoftmax", graph.op("Minus", inner, total), {inner: x})


def kept(graph: Graph, *outputs: str) -> int:
    return len(kept_blocks(graph.model(*outputs)))


def test_axis_of_a_kept_block_is_the_one_that_its_inside_reduces() -> None:
    graph = Graph()
    y = log_softmax(graph, graph.input("x", (2, 3)), axis=static_axis(1))
    assert list(kept_blocks(graph.model(y)).values()) == [{"axis": static_axis(1)}]


def test_inside_that_reduces_otherwise_is_dissolved() -> None:
    others: list[dict[str, object]] = [
        {"reductionOpName": "Sum"},
        {"reductionKeepDimensions": False},
        {"axis": Axis(AxisKind.ALL_STATIC)},
        {"axisVec": (LAST, static_axis(1))},
        {"axis": NDShape((1,))},
    ]
    for attributes in others:
        graph = Graph()
        assert kept(graph, log_softmax(graph, graph.input("x", (2, 3)), **attributes)) == 0


def test_block_of_two_arguments_is_dissolved() -> None:
    graph = Graph()
    x, first, second = graph.input("x", (3,)), graph.placeholder("first"), graph.placeholder("second")
    total = graph.op("ReduceElements", first, reductionOpName="LogSum", axis=LAST, reductionKeepDimensions=True)
    assert kept(graph, graph.block("LogSoftmax", graph.op("Minus", second, total), {first: x, second: x})) == 0


def deep(layers: int) -> Model:
    """A block called Softmax in which every value is used twice, ``layers`` times over."""
    graph = Graph()
    inner = graph.placeholder("inner")
    value = inner
    for _ in range(layers):
        value = graph.op("ElementTimes", value, value)
    return graph.model(graph.block("Softmax", value, {inner: graph.input("x", (3,))}))


def test_inside_that_doubles_at_every_layer_is_given_up_soon() -> None:
    started = time.process_time()
    assert kept_blocks(deep(200)) == {}
    assert time.process_time() - started < 1
