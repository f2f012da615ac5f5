"""One-hot inputs as int64 indices: tensor conventions, point 7."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pytest

from bridge.errors import InvalidOptionError
from bridge.graph.model import Axis
from bridge.lower import LoweringOptions
from tests.lower.graphs import BATCH, SEQUENCE, Array, Converted, Graph
from tests.lower.recurrence.cntk_cells import HIDDEN, INPUTS, Form, Gru, Lstm, Writer, recurrence

EMBEDDING = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)


def embedded(graph: Graph, x: str, weight: Array = EMBEDDING) -> str:
    return graph.op("Times", graph.parameter(weight), x, outputRank=weight.ndim - 1, inferInputRankToMap=-1)


def indexed(graph: Graph, output: str, names: Collection[str] | None = ("words",)) -> Converted:
    return graph.convert(output, options=LoweringOptions(index_inputs=names))


def one_hot(indices: Array, size: int = 5) -> Array:
    return np.eye(size, dtype=np.float32)[indices]


@pytest.mark.parametrize(("axes", "indices"), [(BATCH, [4, 0, 1]), (SEQUENCE, [[4, 0], [1, 1]])])
def test_product_with_an_index_is_a_gather(axes: tuple[Axis, ...], indices: list[int]) -> None:
    graph = Graph()
    y = embedded(graph, graph.input("words", (5,), axes, sparse=True))
    converted = indexed(graph, y)
    assert "Gather" in converted.operators
    assert "MatMul" not in converted.operators
    port = converted.lowered.inputs[0]
    assert (port.dtype, port.shape) == ("int64", ("N", "T")[: len(axes)])
    made = converted.run({"words": indices})[y]
    np.testing.assert_array_equal(made, EMBEDDING[np.array(indices)])
    np.testing.assert_array_equal(made, graph.run(y, {"words": one_hot(np.array(indices))}))


def test_transposed_weights_are_looked_up_too() -> None:
    graph = Graph()
    x = graph.input("words", (5,), BATCH, sparse=True)
    y = graph.op("TransposeTimes", graph.parameter(EMBEDDING.T.copy()), x)
    converted = indexed(graph, y)
    assert "Gather" in converted.operators
    np.testing.assert_array_equal(converted.run({"words": [2, 3]})[y], EMBEDDING[[2, 3]])


def test_weight_of_higher_rank_gives_its_matrices() -> None:
    graph = Graph()
    weight = np.random.default_rng(0).standard_normal((5, 2, 3)).astype(np.float32)
    y = embedded(graph, graph.input("words", (5,), SEQUENCE, sparse=True), weight)
    np.testing.assert_array_equal(indexed(graph, y).run({"words": [[3, 1]]})[y], weight[[[3, 1]]])


def test_one_input_may_feed_several_products() -> None:
    graph = Graph()
    x = graph.input("words", (5,), BATCH, sparse=True)
    y = graph.op("Plus", embedded(graph, x), embedded(graph, x, EMBEDDING * 2))
    converted = indexed(graph, y)
    assert converted.operators.count("Gather") == 2
    np.testing.assert_allclose(converted.run({"words": [1, 4]})[y], EMBEDDING[[1, 4]] * 3, rtol=1e-6)


def test_padded_indices_do_not_matter() -> None:
    graph = Graph()
    y = graph.op("Plus", embedded(graph, graph.input("words", (5,), SEQUENCE, sparse=True)), graph.constant(1.0))
    made = indexed(graph, y).run({"words": [[4, 0], [1, 2]]}, [2, 1])[y]
    np.testing.assert_array_equal(made[0], EMBEDDING[[4, 0]] + 1)
    np.testing.assert_array_equal(made[1], [EMBEDDING[1] + 1, np.zeros(3)])


@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize("cell", [Lstm(), Gru()], ids=str)
def test_recurrence_over_indices_equals_the_one_over_one_hot_vectors(cell: Lstm | Gru, joint: bool) -> None:
    graph = Graph()
    y = recurrence(Writer(graph, Form(joint=joint)), graph.input("words", (INPUTS,), SEQUENCE, sparse=True), cell)
    indices = np.array([[0, 2, 1], [1, 0, 0]])
    converted = indexed(graph, y)
    assert type(cell).__name__.upper() in converted.operators
    made = converted.run({"words": indices}, [3, 1])[y]
    assert made.shape == (2, 3, HIDDEN)
    dense = graph.convert(y).run({"words": one_hot(indices, INPUTS)}, [3, 1])[y]
    np.testing.assert_allclose(made, dense, rtol=1e-5, atol=1e-6)


def test_all_sparse_inputs_that_allow_it_become_indices() -> None:
    graph = Graph()
    words, dense = graph.input("words", (5,), BATCH, sparse=True), graph.input("dense", (5,), BATCH)
    other = graph.input("other", (3,), BATCH, sparse=True)
    y = graph.op("Plus", graph.op("Plus", embedded(graph, words), embedded(graph, dense)), other)
    types = {port.name: port.dtype for port in indexed(graph, y, None).lowered.inputs}
    assert types == {"words": "int64", "dense": "float32", "other": "float32"}


def test_a_dense_input_becomes_indices_when_asked_for_by_name() -> None:
    graph = Graph()
    y = embedded(graph, graph.input("words", (5,), BATCH))
    assert indexed(graph, y).lowered.inputs[0].dtype == "int64"


def test_nothing_becomes_indices_unasked() -> None:
    graph = Graph()
    y = embedded(graph, graph.input("words", (5,), BATCH, sparse=True))
    assert graph.convert(y).lowered.inputs[0].dtype == "float32"


def unsuitable() -> dict[str, tuple[Graph, str]]:
    """Graphs in which ``words`` cannot become indices, and why."""
    made: dict[str, tuple[Graph, str]] = {}
    graph = Graph()
    x = graph.input("words", (5,), BATCH)
    made["something else reads it too"] = graph, graph.op("Plus", embedded(graph, x, np.ones((5, 5))), x)
    graph = Graph()
    made["it is the weight"] = (
        graph,
        graph.op("Times", graph.input("words", (5, 3), BATCH), graph.constant(np.ones(5)), outputRank=1, inferInputRankToMap=-1),
    )
    graph = Graph()
    made["it is a matrix"] = graph, embedded(graph, graph.input("words", (2, 5), BATCH))
    graph = Graph()
    x = graph.input("words", (3,), BATCH)
    made["nothing is contracted"] = graph, graph.op("Times", graph.parameter(np.ones(4)), x, outputRank=1, inferInputRankToMap=-1)
    graph = Graph()
    made["the weight differs from sample to sample"] = (
        graph,
        graph.op(
            "Times", graph.input("w", (5, 2), BATCH), graph.input("words", (5,), BATCH), outputRank=1, inferInputRankToMap=-1
        ),
    )
    graph = Graph()
    made["it is an output"] = graph, graph.input("words", (5,), BATCH)
    return made


@pytest.mark.parametrize("reason", unsuitable())
def test_input_that_cannot_become_indices_is_named(reason: str) -> None:
    graph, output = unsuitable()[reason]
    with pytest.raises(InvalidOptionError, match="input 'words' cannot become indices: expected a vector that only products"):
        indexed(graph, output)


def test_unknown_input_is_named_with_those_there_are() -> None:
    graph = Graph()
    y = embedded(graph, graph.input("words", (5,), BATCH))
    with pytest.raises(InvalidOptionError, match=r"no input 'letters'; the inputs are \['words'\]"):
        indexed(graph, y, ("letters", "words"))
