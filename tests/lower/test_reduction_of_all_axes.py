"""Reductions over all axes in both formats: v2 files drop the static axes, v1 files keep them as 1s."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.graph.model import Axis, AxisKind
from tests.lower.graphs import BATCH, SEQUENCE, Graph

ALL = Axis(AxisKind.ALL)


@pytest.mark.parametrize(("keep", "shape"), [(False, ()), (True, (1, 1))])
def test_flag_decides_whether_ones_stay(keep: bool, shape: tuple[int, ...]) -> None:
    graph = Graph()
    x = graph.input("x", (2, 3), BATCH)
    y = graph.op("ReduceElements", x, axisVec=(ALL,), reductionOpName="Mean", reductionKeepDimensions=keep)
    made = graph.run(y, {"x": np.arange(12).reshape(2, 2, 3)})
    np.testing.assert_array_equal(made, np.full(shape, 5.5))


@pytest.mark.parametrize(("keep", "shape"), [(False, ()), (True, (1,))])
def test_mean_of_ragged_sequences_counts_real_steps(keep: bool, shape: tuple[int, ...]) -> None:
    graph = Graph()
    x = graph.input("x", (2,), SEQUENCE)
    y = graph.op("ReduceElements", x, axisVec=(ALL,), reductionOpName="Mean", reductionKeepDimensions=keep)
    feeds = {"x": [[[1, 1], [1, 1], [1, 1]], [[5, 5], [99, 99], [99, 99]]]}
    np.testing.assert_array_equal(graph.convert(y).run(feeds, [3, 1])[y], np.full(shape, 2.0))
