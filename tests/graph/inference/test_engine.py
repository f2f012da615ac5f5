"""Type inference over whole networks, recurrences included."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bridge.errors import InvalidGraphError
from bridge.graph.components import components
from bridge.graph.inference import infer
from bridge.graph.model import DataType, NDShape, Variable, VariableKind
from bridge.graph.network import dissolve
from bridge.limits import Limits
from tests.graph.inference.typed import type_of
from tests.lower.graphs import SEQUENCE, Graph, static_axis


@pytest.mark.parametrize("initial", [(1,), (), (4,)])
def test_state_of_a_recurrence_takes_the_shape_of_what_it_becomes(initial: tuple[int, ...]) -> None:
    graph = Graph()
    x = graph.input("x", (4,), SEQUENCE)
    hole, old = graph.delay("PastValue", graph.constant(np.zeros(initial)))
    new = graph.op("Plus", x, graph.op("Tanh", old))
    graph.bind(hole, new)
    found = type_of(graph, old)
    assert (found.shape, found.axes) == ((4,), SEQUENCE)


def test_recurrence_whose_state_passes_a_product_is_inferred() -> None:
    graph = Graph()
    x = graph.input("x", (3,), SEQUENCE)
    hole, old = graph.delay("FutureValue", graph.constant([0.0]))
    joined = graph.op("Splice", x, old, axis=static_axis(0))
    new = graph.op("Times", graph.parameter(np.zeros((5, 2))), joined, outputRank=1, inferInputRankToMap=-1)
    graph.bind(hole, new)
    assert type_of(graph, new).shape == (2,)
    assert type_of(graph, joined).shape == (5,)


def test_recurrence_that_grows_with_every_step_is_an_error() -> None:
    graph = Graph()
    x = graph.input("x", (1,), SEQUENCE)
    hole, old = graph.delay("PastValue", graph.constant([0.0]))
    graph.bind(hole, graph.op("Splice", x, old, axis=static_axis(0)))
    with pytest.raises(InvalidGraphError, match="shapes of this recurrence contradict each other"):
        type_of(graph, old)


def test_recurrence_that_nothing_gives_a_shape_is_an_error() -> None:
    graph = Graph()
    unknown = graph.placeholder("unknown")
    hole, old = graph.delay("PastValue", graph.constant([0.0]))
    graph.bind(hole, graph.op("Tanh", old))
    model = graph.model(old)
    shapeless = Variable(unknown, VariableKind.INPUT, DataType.FLOAT, None)
    variables = {**model.variables, unknown: shapeless}
    functions = {
        uid: dataclasses.replace(f, inputs=tuple(unknown if name.startswith("Constant") else name for name in f.inputs))
        for uid, f in model.functions.items()
    }
    network = dissolve(dataclasses.replace(model, variables=variables, functions=functions))
    with pytest.raises(InvalidGraphError, match="shape of this recurrence cannot be inferred"):
        infer(network, components(network, [network.producers[old].uid]))


def test_contradiction_inside_a_recurrence_names_the_node() -> None:
    graph = Graph()
    x = graph.input("x", (4,), SEQUENCE)
    hole, old = graph.delay("PastValue", graph.constant([0.0]))
    cut = graph.op("Slice", graph.op("Plus", x, old), axis=static_axis(0), beginIndex=0, endIndex=3)
    graph.bind(hole, cut)
    with pytest.raises(InvalidGraphError, match=r"node Plus\d+: .*do not fit"):
        type_of(graph, cut)


def test_input_of_unknown_shape_is_named() -> None:
    graph = Graph()
    x = graph.input("x", (2,))
    y = graph.op("Tanh", x)
    model = graph.model(y)
    variables = {x: dataclasses.replace(model.variables[x], shape=None)}
    network = dissolve(dataclasses.replace(model, variables=variables))
    with pytest.raises(InvalidGraphError, match="the shape of x is not known"):
        infer(network, components(network, [network.producers[y].uid]))


def test_operators_without_a_rule_are_left_out_with_what_depends_on_them() -> None:
    graph = Graph()
    x = graph.input("x", (2,))
    strange = graph.op("Strange", x)
    after, beside = graph.op("Tanh", strange), graph.op("Exp", x)
    network = dissolve(graph.model(after, beside))
    types = infer(network, components(network, [network.producers[uid].uid for uid in (after, beside)]))
    assert strange not in types
    assert after not in types
    assert beside in types


def test_values_beyond_the_limit_of_elements_are_refused() -> None:
    graph = Graph()
    y = graph.op("Plus", graph.input("a", (1 << 10, 1)), graph.input("b", (1, 1 << 10)))
    with pytest.raises(InvalidGraphError, match=r"over 1000000 elements per sample; raise Limits\.inferred_elements"):
        type_of(graph, y, Limits(inferred_elements=1_000_000))


def test_values_beyond_the_limit_of_dimensions_are_refused() -> None:
    graph = Graph()
    y = graph.op("Reshape", graph.input("x", (1,)), newShape=NDShape((1,) * 5))
    with pytest.raises(InvalidGraphError, match="yields 5 static dimensions; at most 4"):
        type_of(graph, y, Limits(rank=4))
