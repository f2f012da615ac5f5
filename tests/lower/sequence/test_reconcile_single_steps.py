"""A sequence axis of single steps reconciled with a longer one: CNTK 2.7 repeats the step."""

from __future__ import annotations

import numpy as np

from bridge.graph.model import DEFAULT_BATCH_AXIS, Axis, AxisKind
from tests.lower.graphs import SEQUENCE, Graph

OTHER = (DEFAULT_BATCH_AXIS, Axis(AxisKind.SEQUENCE, 0, "other"))


def test_single_steps_are_repeated_along_the_other_axis() -> None:
    graph = Graph()
    single, longer = graph.input("single", (1,), OTHER), graph.input("longer", (1,), SEQUENCE)
    y = graph.op("Plus", graph.op("ReconcileDynamicAxis", single, longer), longer)
    lengths = {"other_lengths": np.array([1, 1]), "defaultDynamicAxis_lengths": np.array([3, 1])}
    feeds = {"single": [[[10]], [[20]]], "longer": [[[1], [2], [3]], [[4], [0], [0]]], **lengths}
    np.testing.assert_array_equal(graph.run(y, feeds)[..., 0], [[11, 12, 13], [24, 0, 0]])


def test_axis_with_more_padding_is_cut_to_the_other() -> None:
    graph = Graph()
    wide, narrow = graph.input("wide", (1,), OTHER), graph.input("narrow", (1,), SEQUENCE)
    y = graph.op("Plus", graph.op("ReconcileDynamicAxis", wide, narrow), narrow)
    lengths = {"other_lengths": np.array([2, 1]), "defaultDynamicAxis_lengths": np.array([2, 1])}
    feeds = {"wide": [[[10], [20], [99]], [[30], [99], [99]]], "narrow": [[[1], [2]], [[3], [0]]], **lengths}
    np.testing.assert_array_equal(graph.run(y, feeds)[..., 0], [[11, 22], [33, 0]])
