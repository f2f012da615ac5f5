"""The edit distance of sequences on axes of their own, which CNTK 2.7 computes where their lengths agree."""

from __future__ import annotations

import numpy as np

from bridge.graph.model import DEFAULT_BATCH_AXIS, Axis, AxisKind
from tests.lower.graphs import SEQUENCE, Graph

LABELS = (DEFAULT_BATCH_AXIS, Axis(AxisKind.SEQUENCE, 0, "labels"))


def test_axes_of_two_names_are_compared() -> None:
    graph = Graph()
    x, y = graph.input("x", (3,), SEQUENCE), graph.input("y", (3,), LABELS)
    error = graph.op("EditDistanceError", x, y, SubstitutionPenalty=1.0, DeletionPenalty=1.0, InsertionPenalty=1.0)
    lengths = {"defaultDynamicAxis_lengths": np.array([3, 1]), "labels_lengths": np.array([3, 1])}
    one_hot = np.eye(3, dtype=np.float32)
    feeds = {"x": [one_hot[[0, 1, 2]], one_hot[[1, 0, 0]]], "y": [one_hot[[0, 2, 2]], one_hot[[1, 2, 2]]], **lengths}
    assert graph.run(error, feeds) == 1
