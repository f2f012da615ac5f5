"""Which value of the converted graph is said to hold which variable of CNTK."""

from __future__ import annotations

import numpy as np

from bridge.lower import LoweringOptions
from bridge.origins import VALUES_KEY, Origin, decode_origins
from tests.lower.graphs import SEQUENCE, Graph
from tests.lower.test_convolution_folding import convolved, normalised


def origins(graph: Graph, *outputs: str, options: LoweringOptions | None = None) -> dict[str, Origin]:
    """The origins in the model's own metadata, by their first variable; each value is one that the graph makes."""
    lowered = graph.lower(*outputs, options=options)
    found = decode_origins(lowered.model.metadata_props[VALUES_KEY])
    assert found == lowered.origins
    made = {value.name for node in lowered.model.graph for value in node.outputs}
    assert all(origin.value in made | set(lowered.model.graph.initializers) for origin in found)
    return {origin.variables[0]: origin for origin in found}


def test_every_operator_has_its_value() -> None:
    graph = Graph()
    doubled = graph.op("Plus", graph.input("x", (3,)), "x", name="doubled")
    y = graph.op("Tanh", doubled)
    found = origins(graph, y)
    assert [*found] == [doubled, y]
    assert (found[doubled].label, found[doubled].operators) == ("doubled (Plus0)", "Plus")
    assert (found[y].value, found[y].dynamic_rank, found[y].lengths) == (y, 1, "")


def test_what_was_folded_is_listed_with_what_it_was_folded_into() -> None:
    graph = Graph()
    y = graph.op("ReLU", normalised(graph, convolved(graph)))
    found = origins(graph, y)
    assert [origin.operators for origin in found.values()] == ["Convolution, BatchNormalization", "ReLU"]
    assert next(iter(found.values())).nodes == ("Convolution0", "BatchNormalization1")
    apart = origins(graph, y, options=LoweringOptions(fold=False))
    assert [origin.operators for origin in apart.values()] == ["Convolution", "BatchNormalization", "ReLU"]


def test_operator_that_changes_nothing_shares_a_value() -> None:
    graph = Graph()
    hidden = graph.op("Tanh", graph.input("x", (3,)))
    dropped = graph.op("Dropout", hidden)
    y = graph.op("Exp", dropped)
    assert origins(graph, y)[hidden].variables == (hidden, dropped)


def test_output_of_a_block_is_another_name_and_names_what_is_inside() -> None:
    graph = Graph()
    hole = graph.placeholder("hole")
    inner = graph.op("Exp", graph.op("Tanh", hole))
    outer = graph.block("Layer", inner, {hole: graph.input("x", (3,))})
    found = origins(graph, outer)
    assert found[inner].variables == (inner, outer)
    assert {origin.name for origin in found.values()} == {"Layer"}


def test_sequences_say_where_their_lengths_are_and_whether_their_padding_is_zero() -> None:
    graph = Graph()
    y = graph.op("Exp", graph.op("Tanh", graph.input("x", (3,), SEQUENCE)))
    inner, output = origins(graph, y).values()
    assert inner.lengths == output.lengths == "lengths/Expand"
    assert (inner.dynamic_rank, inner.clean) == (2, False)
    # The output's own value is the one whose padding was zeroed, and the one before that is another.
    assert output.clean
    assert output.value == y


def test_constant_computed_at_conversion_is_a_value_as_well() -> None:
    graph = Graph()
    scale = graph.op("Exp", graph.parameter(np.ones(3)))
    y = graph.op("ElementTimes", graph.input("x", (3,)), scale)
    found = origins(graph, y)
    assert [*found] == [scale, y]
    assert found[scale].dynamic_rank == 0


def test_list_of_what_was_folded_is_bounded() -> None:
    """A sum of three hundred parameters is one constant, whose operators nobody wants to read."""
    graph = Graph()
    total = graph.parameter(np.ones(3))
    for _ in range(300):
        total = graph.op("Plus", total, graph.parameter(np.ones(3)))
    y = graph.op("Minus", graph.input("x", (3,)), total)
    found = origins(graph, y)
    assert found[total].nodes[-1] == total.removesuffix("_Output_0")
    assert len(found[total].nodes) == 64


def test_models_for_training_carry_no_map() -> None:
    graph = Graph()
    y = graph.op("Tanh", graph.input("x", (3,)))
    lowered = graph.lower(y, options=LoweringOptions(for_training=True))
    assert VALUES_KEY not in lowered.model.metadata_props
