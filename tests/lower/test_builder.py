"""Nodes and constants under construction."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.lower import builder
from bridge.lower.builder import Builder, Constants, Names
from tests.lower.graphs import BATCH, Graph


@pytest.fixture
def made() -> Builder:
    names = Names()
    return Builder(Constants(names), names)


def test_names_occur_once() -> None:
    names = Names()
    names.reserve("y")
    assert [names.unique(name) for name in ("x", "x", "y", "x_1", "x")] == ["x", "x_1", "y_1", "x_1_1", "x_2"]


def test_small_constants_are_kept_once_and_told_apart_by_type_and_shape(made: Builder) -> None:
    first = made.constant(1.0, np.float32)
    assert made.constant(1.0, np.float32) is first
    others = [made.constant(1.0, np.float64), made.constant([1.0], np.float32), made.constant(2.0, np.float32)]
    assert len({first, *others}) == 4


def test_zero_and_minus_zero_are_two_constants(made: Builder) -> None:
    assert made.constant(0.0, np.float32) is not made.constant(-0.0, np.float32)


def test_weights_are_kept_as_they_are(made: Builder) -> None:
    weights = np.zeros((100, 100), np.float32)
    known = made.known(made.constant(weights))
    assert known is not None
    assert np.shares_memory(known, weights)


def test_operators_over_constants_are_computed(made: Builder) -> None:
    value = made.op("Add", made.integers(1, 2), made.integers(3))
    assert made.nodes == []
    known = made.known(value)
    assert known is not None
    assert known.tolist() == [4, 5]


def test_operator_over_anything_else_is_a_node_named_for_its_scope(made: Builder) -> None:
    made.scope = "hidden"
    unknown = made.unfolded("Identity", made.integers(1))
    value = made.op("Add", unknown, made.integers(3))
    assert [node.name for node in made.nodes] == ["hidden/Identity", "hidden/Add"]
    assert value.name == "hidden/Add"
    assert made.known(value) is None


def test_optional_input_left_out_is_no_constant(made: Builder) -> None:
    made.op("Clip", made.constant(1.0), None, made.constant(0.5))
    assert [node.op_type for node in made.nodes] == ["Clip"]


def test_further_outputs_have_names_of_their_own(made: Builder) -> None:
    made.scope = "h"
    taken = made.constant(np.zeros(2), name="h/TopK:1")
    values, indices = made.ops("TopK", 2, made.unfolded("Identity", taken), made.integers(1))
    assert len({taken.name, values.name, indices.name}) == 3


def test_what_a_small_file_asks_to_be_computed_is_bounded(monkeypatch: pytest.MonkeyPatch, made: Builder) -> None:
    monkeypatch.setattr(builder, "_MOST_COMPUTED_BYTES", 1 << 16)
    value = made.constant(np.ones(1 << 12), np.float32)
    for _ in range(10):
        value = made.op("Add", value, value)
    assert 0 < len(made.nodes) < 10
    assert made.constants.computed_bytes < 1 << 17


def test_parameter_named_like_a_value_of_ours_does_no_harm() -> None:
    graph = Graph()
    x = graph.input("x", (3,), BATCH)
    top = graph.op("TopK", x, outputs=2, name="h", numItems=2)
    indices = top.removesuffix("_0") + "_1"
    converted = graph.convert(top, indices, graph.op("Tanh", x, name="h/TopK"))
    made = converted.run({"x": [[3, 1, 2]]})
    assert made["h"].tolist() == [[3, 2]]
    assert made["h_TopKIndexMask"].tolist() == [[0, 2]]
