"""Operators that are not converted say so, all at once, each with its reason and the way out."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.errors import UnsupportedOperatorsError
from bridge.graph.model import NDShape
from bridge.lower.refusals import LEGACY
from tests.lower.graphs import SEQUENCE, STATIC, Graph


def refused(graph: Graph, output: str) -> str:
    with pytest.raises(UnsupportedOperatorsError) as caught:
        graph.lower(output)
    return str(caught.value)


def test_random_numbers_are_refused() -> None:
    graph = Graph()
    made = graph.op(
        "RandomDistribution",
        randomDistributionType="uniform",
        randomDistributionArgs=(0.0, 1.0),
        newShape=NDShape((3,)),
        newDataType=1,
    )
    assert "draws new numbers" in refused(graph, graph.op("Plus", made, graph.input("x", (3,))))


def test_random_samples_are_refused() -> None:
    graph = Graph()
    made = graph.op("RandomSample", graph.constant([1, 2]), numSamples=2, allowDuplicates=True)
    assert "draws classes at random" in refused(graph, made)


def test_connectionist_temporal_classification_is_refused() -> None:
    graph = Graph()
    x, y = graph.input("x", (3,), SEQUENCE), graph.input("y", (3,), SEQUENCE)
    message = refused(graph, graph.op("ForwardBackward", graph.op("LabelsToGraph", y), x, BlankTokenId=2, DelayConstraint=-1))
    assert "temporal classification" in message
    assert "ask for the prediction" in message


def test_lattices_are_refused() -> None:
    graph = Graph()
    inputs = [graph.input(name, (3,), SEQUENCE) for name in "xyzw"]
    assert "lattices" in refused(graph, graph.op("LatticeSequenceWithSoftmax", *inputs))


def test_proxies_are_refused() -> None:
    graph = Graph()
    assert "some other program" in refused(graph, graph.op("CustomProxyOp", graph.input("x", (3,)), customOp="theirs"))


def test_user_code_is_refused() -> None:
    graph = Graph()
    assert "never loaded" in refused(graph, graph.op("UserDefined", graph.input("x", (3,))))


@pytest.mark.parametrize("operator", LEGACY)
def test_operator_that_only_v1_has_is_refused_by_its_name(operator: str) -> None:
    graph = Graph()
    message = refused(graph, graph.op(operator, graph.input("x", (3,))))
    assert operator in message
    assert LEGACY[operator].reason in message


def test_everything_refused_is_named_at_once() -> None:
    graph = Graph()
    x = graph.input("x", (3,))
    message = refused(graph, graph.op("Plus", graph.op("CustomProxyOp", x, name="one"), graph.op("CustomProxyOp", x, name="two")))
    assert "CustomProxyOp one" in message
    assert "CustomProxyOp two" in message


def test_expected_draws_with_duplicates_are_shares_of_the_weights() -> None:
    graph = Graph()
    x = graph.input("x", (3,), STATIC)
    made = graph.run(graph.op("RandomSampleInclusionFrequency", x, numSamples=4, allowDuplicates=True), {x: [1, 2, 5]})
    np.testing.assert_allclose(made, [0.5, 1, 2.5], rtol=1e-6)


def test_expected_draws_without_duplicates_are_refused() -> None:
    graph = Graph()
    made = graph.op("RandomSampleInclusionFrequency", graph.constant([1, 2]), numSamples=1, allowDuplicates=False)
    assert "without duplicates" in refused(graph, made)
