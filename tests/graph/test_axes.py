"""Sequence axes that nothing depends on: tensor conventions, point 6."""

from __future__ import annotations

import dataclasses

import pytest

from bridge.graph.axes import folded_axes
from bridge.graph.components import components
from bridge.graph.model import DEFAULT_BATCH_AXIS, DEFAULT_SEQUENCE_AXIS, AttributeValue, Axis, AxisKind
from bridge.graph.network import dissolve
from tests.lower.graphs import Graph, static_axis

GIVEN = Axis(AxisKind.SEQUENCE, name="")
"""What a v1 file gives every input without being asked."""


def folded(graph: Graph, output: str, model_format: str = "v1") -> frozenset[Axis]:
    network = dissolve(dataclasses.replace(graph.model(output), format=model_format))
    return folded_axes(network, components(network, [network.producers[output].uid]))


def over(graph: Graph, operator: str, along: Axis = GIVEN, **attributes: AttributeValue) -> str:
    x = graph.input("x", (2,), (DEFAULT_BATCH_AXIS, along))
    operands = [x, graph.constant(0.0)] if operator in ("PastValue", "FutureValue") else [x]
    return graph.op(operator, *operands, outputs=1, name="", **attributes)


def test_axis_of_a_v1_model_that_nothing_walks_is_folded() -> None:
    graph = Graph()
    assert folded(graph, over(graph, "Tanh")) == {GIVEN}


def test_axis_of_a_v2_model_is_part_of_its_interface() -> None:
    graph = Graph()
    assert folded(graph, over(graph, "Tanh"), "v2") == frozenset()


def test_axis_that_a_model_names_itself_stays() -> None:
    graph = Graph()
    assert folded(graph, over(graph, "Tanh", DEFAULT_SEQUENCE_AXIS)) == frozenset()


@pytest.mark.parametrize(
    ("operator", "attributes"),
    [
        ("PastValue", {"offset": 1}),
        ("FutureValue", {"offset": 1}),
        ("UnpackSequence", {}),
        ("ReduceElements", {"axis": GIVEN, "reductionOpName": "Sum"}),
    ],
)
def test_one_node_that_walks_an_axis_keeps_all_of_them(operator: str, attributes: dict[str, AttributeValue]) -> None:
    graph = Graph()
    assert folded(graph, over(graph, operator, GIVEN, **attributes)) == frozenset()


def test_reduction_of_static_axes_walks_none() -> None:
    graph = Graph()
    assert folded(graph, over(graph, "ReduceElements", axis=static_axis(0), reductionOpName="Sum")) == {GIVEN}


def test_product_over_the_steps_walks_them() -> None:
    graph = Graph()
    x = graph.input("x", (1,), (DEFAULT_BATCH_AXIS, GIVEN))
    for mode, expected in ((-1, {GIVEN}), (-2, set())):
        assert folded(graph, graph.op("Times", x, x, outputRank=1, inferInputRankToMap=mode)) == expected


def test_what_no_output_needs_keeps_no_axis() -> None:
    graph = Graph()
    y = over(graph, "Tanh")
    graph.op("PastValue", "x", graph.constant(0.0), offset=1)
    assert folded(graph, y) == {GIVEN}
