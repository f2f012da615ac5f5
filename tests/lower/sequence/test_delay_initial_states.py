"""Initial states of delays that are larger than the operand, or shorter than the delay; measured with CNTK 2.7."""

from __future__ import annotations

import numpy as np
import pytest

from tests.lower.graphs import SEQUENCE, Graph


@pytest.mark.parametrize(("operator", "before", "after"), [("PastValue", 2, 0), ("FutureValue", 0, 2)])
def test_larger_initial_state_enlarges_the_result(operator: str, before: int, after: int) -> None:
    graph = Graph()
    state = np.array([[7.0], [8.0]], np.float32)
    y = graph.op(operator, graph.input("x", (3,), SEQUENCE), graph.constant(state), offset=2)
    x = np.arange(12, dtype=np.float32).reshape(1, 4, 3)
    made = graph.run(y, {"x": x})
    beyond = np.broadcast_to(state, (2, 2, 3))
    steps = np.broadcast_to(x[0][:, None, :], (4, 2, 3))
    expected = np.concatenate([beyond[:before], steps[after : 4 - before], beyond[:after]])
    np.testing.assert_array_equal(made[0], expected)


def test_initial_sequence_of_one_step_stands_for_all_steps_beyond() -> None:
    graph = Graph()
    x, state = graph.input("x", (1,), SEQUENCE), graph.input("state", (1,), SEQUENCE)
    y = graph.op("FutureValue", x, state, offset=2)
    feeds = {"x": [[[1], [2], [3]], [[4], [0], [0]]], "state": [[[7], [8], [9]], [[5], [0], [0]]]}
    made = graph.convert(y).run(feeds, [3, 1])[y]
    np.testing.assert_array_equal(made[..., 0], [[3, 7, 8], [5, 0, 0]])
