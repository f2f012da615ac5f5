"""Operands that are settings become attributes of their node."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.graph.network import dissolve
from tests.lower.graphs import STATIC, Graph


def attributes_of(graph: Graph, output: str) -> dict[str, object]:
    return dict(dissolve(graph.model(output)).producers[output].attributes)


def test_settings_of_negative_samples_are_attributes() -> None:
    graph = Graph()
    x = graph.input("x", (3,))
    y = graph.op("CosDistanceWithNegativeSamples", x, x, graph.constant(1.0), graph.parameter([2.0]))
    assert attributes_of(graph, y) == {"shift": 1, "numNegativeSamples": 2}


def test_setting_bound_through_a_block_is_found() -> None:
    graph = Graph()
    x, hole = graph.input("x", (3,)), graph.placeholder("hole")
    inner = graph.op("ClassificationError", x, x, hole)
    block = graph.block("Error", inner, {hole: graph.constant(5.0)})
    network = dissolve(graph.model(block))
    assert network.producers[network.resolve(block)].attributes == {"topN": 5}


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30, [1.0, 2.0], []])
def test_value_that_is_no_setting_is_left_out(value: float | list[float]) -> None:
    graph = Graph()
    x = graph.input("x", (3,))
    assert attributes_of(graph, graph.op("ClassificationError", x, x, graph.constant(value))) == {}


def test_setting_that_an_input_gives_is_left_out() -> None:
    graph = Graph()
    x, best = graph.input("x", (3,)), graph.input("best", (), STATIC)
    assert attributes_of(graph, graph.op("ClassificationError", x, x, best)) == {}


def test_attribute_in_the_file_does_not_override_the_operand() -> None:
    graph = Graph()
    x = graph.input("x", (3,))
    assert attributes_of(graph, graph.op("ClassificationError", x, x, graph.constant(2), topN=9)) == {"topN": 2}
