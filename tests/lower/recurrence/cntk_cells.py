"""Recurrent cells as CNTK's libraries and people write them: the graph on one side, the equations in numpy on the other.

Equations: semantics reference, section 8.2. Gates of an LSTM stand in the order i, g, f, o; those of a GRU in the order z, r, n.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tests.lower.graphs import Array, Graph, static_axis

INPUTS, HIDDEN, PROJECTED = 3, 2, 2
"""Sizes of the cells that are built here."""

Step = Callable[[Array, Array, Array], tuple[Array, Array]]
"""One step: the input, the state and the cell state before; the state and the cell state after."""

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "Tanh": np.tanh,
    "ReLU": lambda x: np.maximum(x, 0),
    "StableSigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return ACTIVATIONS["StableSigmoid"](x)


def matrix(seed: int, *shape: int) -> Array:
    """Reproducible weights: float64, so that numpy computes in it, with values that float32 holds exactly."""
    return np.random.default_rng(seed).standard_normal(shape, np.float32).astype(np.float64)


def stabilised(alpha: float) -> float:
    """The factor that a Stabilizer of ``cntk.layers`` multiplies with: softplus(4 * alpha) / 4."""
    return float(np.log1p(np.exp(4 * alpha)) / 4)


@dataclass(frozen=True)
class Form:
    """How a cell is written: the algebra is the same.

    ``joint``: one projection for all gates, sliced; else matrices of its own for each gate. ``swapped``: the operands of every
    sum and element-wise product stand the other way round. ``sigmoid``: the operator.
    """

    joint: bool = True
    swapped: bool = False
    sigmoid: str = "StableSigmoid"


FORMS = {
    "as cntk.layers writes it": Form(),
    "with a matrix for each gate": Form(joint=False),
    "with swapped operands": Form(swapped=True),
    "with a matrix for each gate and swapped operands": Form(joint=False, swapped=True),
    "with the old Sigmoid": Form(sigmoid="Sigmoid"),
}


@dataclass
class Writer:
    """Writes the arithmetic of a cell in a given form and element type."""

    graph: Graph
    form: Form = field(default_factory=Form)
    dtype: npt.DTypeLike = np.float32

    def parameter(self, value: npt.ArrayLike) -> str:
        return self.graph.parameter(np.asarray(value), self.dtype)

    def add(self, left: str, right: str) -> str:
        return self.graph.op("Plus", *((right, left) if self.form.swapped else (left, right)))

    def multiply(self, left: str, right: str) -> str:
        return self.graph.op("ElementTimes", *((right, left) if self.form.swapped else (left, right)))

    def times(self, value: str, weight: Array) -> str:
        return self.graph.op("Times", self.parameter(weight), value, outputRank=1, inferInputRankToMap=-1)

    def sigmoid(self, value: str) -> str:
        return self.graph.op(self.form.sigmoid, value)

    def scaled(self, value: str, alpha: float | None) -> str:
        """The value behind a Stabilizer with the parameter ``alpha``, or as it is."""
        if alpha is None:
            return value
        steep = self.graph.op("ElementTimes", self.graph.constant(4.0, self.dtype), self.parameter(alpha))
        softened = self.graph.op("LogPlus", steep, self.graph.constant(0.0, self.dtype))
        factor = self.graph.op("ElementTimes", self.graph.constant(0.25, self.dtype), softened)
        return self.graph.op("ElementTimes", value, factor)

    def projections(self, gates: int, x: str, state: str, w: Array, h: Array, b: Array) -> list[str]:
        """``x W + state H + b`` for each of the gates, sliced from one projection or each on its own."""
        if not self.form.joint:
            parts = (np.split(weight, gates, axis=-1) for weight in (w, h, b))
            return [self._projection(x, state, *part) for part in zip(*parts, strict=True)]
        joint = self._projection(x, state, w, h, b)
        size = b.size // gates
        return [
            self.graph.op("Slice", joint, axis=static_axis(0), beginIndex=k * size, endIndex=(k + 1) * size) for k in range(gates)
        ]

    def _projection(self, x: str, state: str, w: Array, h: Array, b: Array) -> str:
        return self.add(self.add(self.parameter(b), self.times(x, w)), self.times(state, h))


@dataclass(frozen=True)
class Lstm:
    """An LSTM of ``HIDDEN`` cells over ``INPUTS`` values; with ``projected`` its state has ``PROJECTED`` values."""

    peepholes: bool = False
    stabilisers: tuple[float, float] | None = None  # of the state and of the cell state
    projected: bool = False
    activation: str = "Tanh"

    w = matrix(1, INPUTS, 4 * HIDDEN)
    b = matrix(2, 4 * HIDDEN)
    p = matrix(3, HIDDEN, PROJECTED)
    ci, cf, co = matrix(4, 3, HIDDEN)
    h = matrix(5, PROJECTED, 4 * HIDDEN)

    def write(self, writer: Writer, x: str, state: str, cell: str) -> tuple[str, str]:
        """The state and the cell state after one step."""
        on_state, on_cell = self.stabilisers or (None, None)
        graph = writer.graph
        gates = writer.projections(4, x, writer.scaled(state, on_state), self.w, self.h, self.b)
        inward, candidate, forget, outward = gates
        old = writer.scaled(cell, on_cell)
        if self.peepholes:
            inward = writer.add(inward, writer.multiply(writer.parameter(self.ci), old))
            forget = writer.add(forget, writer.multiply(writer.parameter(self.cf), old))
        kept = writer.multiply(writer.sigmoid(forget), cell)
        added = writer.multiply(writer.sigmoid(inward), graph.op(self.activation, candidate))
        new = writer.add(kept, added)
        if self.peepholes:
            peeked = writer.multiply(writer.parameter(self.co), writer.scaled(new, on_cell))
            outward = writer.add(outward, peeked)
        hidden = writer.multiply(writer.sigmoid(outward), graph.op(self.activation, new))
        return (writer.times(hidden, self.p) if self.projected else hidden), new

    def step(self, x: Array, state: Array, cell: Array) -> tuple[Array, Array]:
        """The same in numpy."""
        on_state, on_cell = (stabilised(a) for a in self.stabilisers) if self.stabilisers else (1.0, 1.0)
        act = ACTIVATIONS[self.activation]
        i, g, f, o = np.split(self.b + x @ self.w + on_state * state @ self.h, 4)
        if self.peepholes:
            i, f = i + self.ci * on_cell * cell, f + self.cf * on_cell * cell
        new = sigmoid(f) * cell + sigmoid(i) * act(g)
        if self.peepholes:
            o = o + self.co * on_cell * new
        hidden = sigmoid(o) * act(new)
        return (hidden @ self.p if self.projected else hidden), new


@dataclass(frozen=True)
class Gru:
    """A GRU of ``HIDDEN`` cells. ``reset_after``: the reset gate multiplies the product with the matrix, as cuDNN has it."""

    reset_after: bool = False
    stabiliser: float | None = None
    activation: str = "Tanh"

    w = matrix(11, INPUTS, 3 * HIDDEN)
    b = matrix(12, 3 * HIDDEN)
    h = matrix(13, HIDDEN, 2 * HIDDEN)
    h1 = matrix(14, HIDDEN, HIDDEN)
    b1 = matrix(15, HIDDEN)

    def write(self, writer: Writer, x: str, state: str) -> str:
        """The state after one step."""
        graph = writer.graph
        old = writer.scaled(state, self.stabiliser)
        wide = 2 * HIDDEN
        update, reset = writer.projections(2, x, old, self.w[:, :wide], self.h, self.b[:wide])
        z, r = writer.sigmoid(update), writer.sigmoid(reset)
        if self.reset_after:
            carried = writer.multiply(r, writer.add(writer.times(old, self.h1), writer.parameter(self.b1)))
        else:
            carried = writer.times(writer.multiply(r, old), self.h1)
        outside = writer.add(writer.times(x, self.w[:, wide:]), writer.parameter(self.b[wide:]))
        fresh = graph.op(self.activation, writer.add(outside, carried))
        left = graph.op("Minus", graph.constant(1.0, writer.dtype), z)
        return writer.add(writer.multiply(left, fresh), writer.multiply(z, old))

    def step(self, x: Array, state: Array, cell: Array) -> tuple[Array, Array]:
        """The same in numpy; there is no cell state."""
        old = state if self.stabiliser is None else stabilised(self.stabiliser) * state
        z, r = sigmoid(np.stack(np.split((self.b + x @ self.w)[: 2 * HIDDEN] + old @ self.h, 2)))
        carried = r * (old @ self.h1 + self.b1) if self.reset_after else (r * old) @ self.h1
        fresh = ACTIVATIONS[self.activation]((self.b + x @ self.w)[2 * HIDDEN :] + carried)
        return (1 - z) * fresh + z * old, cell


@dataclass(frozen=True)
class Rnn:
    """A plain recurrent cell."""

    activation: str = "Tanh"
    stabiliser: float | None = None

    w = matrix(21, INPUTS, HIDDEN)
    b = matrix(22, HIDDEN)
    h = matrix(23, HIDDEN, HIDDEN)

    def write(self, writer: Writer, x: str, state: str) -> str:
        """The state after one step."""
        (total,) = writer.projections(1, x, writer.scaled(state, self.stabiliser), self.w, self.h, self.b)
        return writer.graph.op(self.activation, total)

    def step(self, x: Array, state: Array, cell: Array) -> tuple[Array, Array]:
        """The same in numpy; there is no cell state."""
        old = state if self.stabiliser is None else stabilised(self.stabiliser) * state
        return ACTIVATIONS[self.activation](x @ self.w + old @ self.h + self.b), cell


def recurrence(writer: Writer, x: str, cell: Lstm | Gru | Rnn, *, delay: str = "PastValue", initial: tuple[str, ...] = ()) -> str:
    """The loop around a cell; ``initial`` are the uids of the initial states, zero by default."""
    graph = writer.graph
    states = initial or (graph.constant([0.0], writer.dtype),) * 2
    hole, old = graph.delay(delay, states[0])
    if isinstance(cell, Lstm):
        cell_hole, old_cell = graph.delay(delay, states[1])
        new, new_cell = cell.write(writer, x, old, old_cell)
        graph.bind(cell_hole, new_cell)
    else:
        new = cell.write(writer, x, old)
    graph.bind(hole, new)
    return new


def unrolled(step: Step, x: Array, state: Array | None = None, cell: Array | None = None, *, backwards: bool = False) -> Array:
    """The states of all steps, ``[L, ...]``, in numpy and float64."""
    h = np.zeros(HIDDEN) if state is None else np.asarray(state, np.float64)
    c = np.zeros(HIDDEN) if cell is None else np.asarray(cell, np.float64)
    made: list[Array] = []
    for row in x[::-1] if backwards else x:
        h, c = step(row.astype(np.float64), h, c)
        made.append(h)
    return np.stack(made[::-1] if backwards else made)
