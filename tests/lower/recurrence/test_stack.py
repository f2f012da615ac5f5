"""OptimizedRNNStack against cuDNN's equations in numpy: semantics reference, section 8.5."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from bridge.errors import UnsupportedOperatorsError
from tests.lower.graphs import BATCH, SEQUENCE, Array, Graph
from tests.lower.ragged import holds_for_any_batch
from tests.lower.recurrence.cntk_cells import sigmoid

INPUTS, HIDDEN = 3, 2
GATES = {"lstm": 4, "gru": 3, "rnnTanh": 1, "rnnReLU": 1}

Step = Callable[[Array, Array, tuple[Array, Array]], tuple[Array, Array]]
"""What the gates get from the input and from the state, the state and the cell state before; both states after."""


def lstm(x: Array, h: Array, before: tuple[Array, Array]) -> tuple[Array, Array]:
    i, f, g, o = np.split(x + h, 4)
    fresh = sigmoid(f) * before[1] + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(fresh), fresh


def gru(x: Array, h: Array, before: tuple[Array, Array]) -> tuple[Array, Array]:
    (xr, xz, xn), (hr, hz, hn) = np.split(x, 3), np.split(h, 3)
    z = sigmoid(xz + hz)
    return (1 - z) * np.tanh(xn + sigmoid(xr + hr) * hn) + z * before[0], before[1]


STEPS: dict[str, Step] = {
    "lstm": lstm,
    "gru": gru,
    "rnnTanh": lambda x, h, before: (np.tanh(x + h), before[1]),
    "rnnReLU": lambda x, h, before: (np.maximum(x + h, 0), before[1]),
}


class Blob:
    """The flat weights of a stack, written piece by piece in cuDNN's order."""

    def __init__(self, kind: str, layers: int, directions: int) -> None:
        rng = np.random.default_rng(7)
        rows = GATES[kind] * HIDDEN
        widths = [INPUTS] + [HIDDEN * directions] * (layers - 1)
        self.kind = kind
        self.matrices = [
            [(rng.standard_normal((rows, width)), rng.standard_normal((rows, HIDDEN))) for _ in range(directions)]
            for width in widths
        ]
        self.biases = [[rng.standard_normal((2, rows)) for _ in range(directions)] for _ in widths]

    def flat(self) -> Array:
        weights = [matrix.reshape(-1) for layer in self.matrices for pair in layer for matrix in pair]
        return np.concatenate([*weights, *(biases.reshape(-1) for layer in self.biases for biases in layer)])

    def run(self, x: Array) -> Array:
        """The stack over one sequence."""
        for layer, biases in zip(self.matrices, self.biases, strict=True):
            both = [
                self._direction(x, weights, recurrent, bias, backwards=direction == 1)
                for direction, ((weights, recurrent), bias) in enumerate(zip(layer, biases, strict=True))
            ]
            x = np.concatenate(both, axis=1)
        return x

    def _direction(self, x: Array, weights: Array, recurrent: Array, biases: Array, *, backwards: bool) -> Array:
        h, c, made = np.zeros(HIDDEN), np.zeros(HIDDEN), []
        for row in x[::-1] if backwards else x:
            h, c = STEPS[self.kind](weights @ row + biases[0], recurrent @ h + biases[1], (h, c))
            made.append(h)
        return np.stack(made[::-1] if backwards else made)


def stack(graph: Graph, blob: Array, kind: str, layers: int, directions: int, dtype: type = np.float32) -> str:
    return graph.op(
        "OptimizedRNNStack",
        graph.input("x", (INPUTS,), SEQUENCE, dtype),
        graph.parameter(blob, dtype),
        bidirectional=directions == 2,
        numLayers=layers,
        hiddenSize=HIDDEN,
        recurrentOp=kind,
    )


@pytest.mark.parametrize(("kind", "layers", "directions"), list(product(GATES, (1, 2), (1, 2))))
def test_stack_computes_its_layers_and_directions(kind: str, layers: int, directions: int) -> None:
    graph, blob = Graph(), Blob(kind, layers, directions)
    converted = graph.convert(stack(graph, blob.flat(), kind, layers, directions))
    operator = kind[:3].upper() if kind.startswith("rnn") else kind.upper()
    assert converted.operators.count(operator) == layers
    holds_for_any_batch(converted, blob.run, tolerance=1e-4, examples=6)


def test_stack_in_float64_runs_in_float32_and_says_so() -> None:
    graph, blob = Graph(), Blob("lstm", 1, 1)
    converted = graph.convert(stack(graph, blob.flat(), "lstm", 1, 1, np.float64))
    assert converted.lowered.report.float32_nodes
    holds_for_any_batch(converted, blob.run, tolerance=1e-5, examples=4)


@pytest.mark.parametrize(
    ("kind", "size", "complaint"), [("lstm", 5, "5 weights; 1 layer"), ("tree", 56, "the recurrence 'tree'")]
)
def test_stack_that_does_not_add_up_is_refused(kind: str, size: int, complaint: str) -> None:
    graph = Graph()
    with pytest.raises(UnsupportedOperatorsError, match=complaint):
        graph.lower(stack(graph, np.zeros(size), kind, 1, 1))


def test_stack_with_weights_of_the_run_time_is_refused() -> None:
    graph = Graph()
    y = graph.op(
        "OptimizedRNNStack",
        graph.input("x", (INPUTS,), SEQUENCE),
        graph.input("weights", (56,), BATCH),
        bidirectional=False,
        numLayers=1,
        hiddenSize=HIDDEN,
        recurrentOp="lstm",
    )
    with pytest.raises(UnsupportedOperatorsError, match="computed at run time"):
        graph.lower(y)


def test_stack_over_no_sequence_is_refused() -> None:
    graph = Graph()
    blob = graph.parameter(Blob("lstm", 1, 1).flat())
    y = graph.op(
        "OptimizedRNNStack", graph.input("x", (INPUTS,), BATCH), blob, numLayers=1, hiddenSize=HIDDEN, recurrentOp="lstm"
    )
    with pytest.raises(UnsupportedOperatorsError, match="expected a sequence of vectors"):
        graph.lower(y)
