"""Reads the arithmetic of a recurrence: what each gate sums up before its activation.

Whoever wrote the model chose how to slice, join and scale; the algebra is the same. ``Algebra.terms`` takes a pre-activation
apart into constants, values from outside the loop, products of the state with a matrix, and element-wise products with a vector
(peepholes), looking through slices of joint projections, scalar factors (stabilisers) and operators that do nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bridge.graph import attributes
from bridge.graph.inference.elementwise import IDENTITIES
from bridge.graph.inference.product import contracted_axes
from bridge.graph.network import Node
from bridge.graph.slicing import slices
from bridge.lower.lowering import Lowering
from bridge.lower.recurrence.loop import Loop, State

Matrix = npt.NDArray[np.floating]

SIGMOIDS: Final = frozenset({"Sigmoid", "StableSigmoid"})
ACTIVATIONS: Final = {"Sigmoid": "Sigmoid", "StableSigmoid": "Sigmoid", "Tanh": "Tanh", "ReLU": "Relu"}
"""CNTK operators that ONNX's recurrent operators have as activations."""


_MOST_PARTS: Final = 4096
"""Parts of sums that are looked at: ``x + x`` of ``x + x`` and so on has no end."""
_WIDEST: Final = 1 << 20
"""Elements of a vector for which we make vectors of our own: a file may state any size."""
_DEEPEST: Final = 64
"""Operators on one path that are looked through."""


class NoMatchError(Exception):
    """This recurrence is not of the shape that is being tried; always caught."""


@dataclass(frozen=True, slots=True)
class Bias:
    """A constant vector."""

    vector: Matrix


@dataclass(frozen=True, slots=True)
class Outside:
    """Columns ``[first, last)`` of a value from outside the loop."""

    uid: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Recurrent:
    """A state times a matrix ``[state width, gate width]``.

    ``gate`` is the uid of a sigmoid that the state is multiplied with first.
    """

    matrix: Matrix
    state: str
    gate: str | None = None


@dataclass(frozen=True, slots=True)
class Peephole:
    """A state, or a value of this step, times a vector, element by element."""

    vector: Matrix
    source: str


@dataclass(frozen=True, slots=True)
class Gated:
    """A sigmoid of this step times a sum of terms."""

    gate: str
    terms: tuple[Term, ...]


Term = Bias | Outside | Recurrent | Peephole | Gated


class Algebra:
    """See the module's docstring. ``visited`` are the nodes that a match accounts for."""

    def __init__(self, ctx: Lowering, loop: Loop) -> None:
        self.ctx = ctx
        self.loop = loop
        self.nodes = {uid: node for node in loop.nodes for uid in node.outputs}
        self.states: dict[str, State] = {state.delay.outputs[0]: state for state in loop.states}
        self.visited: set[str] = set()
        self._parts = 0  # of sums, looked at so far
        self._depth = 0

    def node(self, uid: str) -> Node:
        """The node of the loop that makes ``uid``, operators that do nothing passed over."""
        found = self.nodes.get(self.through(uid))
        if found is None:
            raise NoMatchError
        self.visited.add(found.uid)
        return found

    def through(self, uid: str) -> str:
        """The uid behind operators that do nothing."""
        while uid in self.nodes and self.nodes[uid].op in (*IDENTITIES, "ReconcileDynamicAxis"):
            self.visited.add(self.nodes[uid].uid)
            uid = self.nodes[uid].inputs[0]
        return uid

    def expect(self, uid: str, *operators: str) -> Node:
        """``node``, which must be one of ``operators``."""
        found = self.node(uid)
        if found.op not in operators:
            raise NoMatchError
        return found

    def state(self, uid: str) -> State | None:
        """The state that ``uid`` is the delayed value of."""
        found = self.states.get(self.through(uid))
        if found is not None:
            self.visited.add(found.delay.uid)
        return found

    def constant(self, uid: str) -> Matrix | None:
        """The array of a value that is known at conversion."""
        uid = self.through(uid)
        if uid in self.nodes:
            return None
        found = self.ctx.constant_of(uid)
        return None if found is None else np.asarray(found, dtype=np.float32)

    def width(self, uid: str) -> int:
        """The size of a vector. Anything but a vector of known and moderate size is no match."""
        shape = self.ctx.type_of(uid).shape
        if len(shape) != 1 or not 1 <= shape[0] <= _WIDEST:
            raise NoMatchError
        return shape[0]

    def scaled(self, uid: str) -> tuple[str, float]:
        """``uid`` as (value, factor): a product with a constant scalar taken apart."""
        uid, product = self.through(uid), 1.0
        while True:
            node = self.nodes.get(uid)
            factors = [self.constant(name) for name in node.inputs] if node is not None and node.op == "ElementTimes" else []
            scalars = [(k, float(factor.item())) for k, factor in enumerate(factors) if factor is not None and factor.size == 1]
            if node is None or not scalars:
                return uid, product
            self.visited.add(node.uid)
            position, factor = scalars[0]
            product *= factor
            uid = self.through(node.inputs[1 - position])

    def terms(self, uid: str, first: int = 0, last: int | None = None) -> list[Term]:
        """What columns ``[first, last)`` of ``uid`` are the sum of. A sum with more parts than any cell has is no match."""
        self._parts += 1
        if self._parts > _MOST_PARTS or self._depth > _DEEPEST:
            raise NoMatchError
        self._depth += 1
        try:
            return self._terms(uid, first, last)
        finally:
            self._depth -= 1

    def _terms(self, uid: str, first: int, last: int | None) -> list[Term]:
        uid = self.through(uid)
        width = self.width(uid)
        last = width if last is None else last
        constant = self.constant(uid)
        if constant is not None:
            return [Bias(np.broadcast_to(constant, (width,))[first:last])]
        node = self.nodes.get(uid)
        if node is None:
            return [Outside(uid, first, last)]
        self.visited.add(node.uid)
        if node.op == "Plus":
            return [term for operand in node.inputs for term in self._addend(operand, width, first, last)]
        if node.op == "Slice":
            cut = slices(node, self.ctx.type_of(node.inputs[0]).shape)
            if len(cut) != 1 or cut[0].step != 1:
                raise NoMatchError
            return self.terms(node.inputs[0], cut[0].start + first, cut[0].start + last)
        if node.op == "Times":
            return [self._product(node, first, last)]
        if node.op == "ElementTimes":
            return [self._element_product(node, first, last)]
        raise NoMatchError

    def _addend(self, uid: str, width: int, first: int, last: int) -> list[Term]:
        """An operand of a sum; constants of one element stand for all columns."""
        constant = self.constant(uid)
        if constant is not None and constant.size == 1:
            return [Bias(np.full(last - first, constant.reshape(()), np.float32))]
        if self.width(uid) != width:
            raise NoMatchError
        return self.terms(uid, first, last)

    def _product(self, node: Node, first: int, last: int) -> Recurrent:
        """A matrix times a state, or times a state behind a reset gate."""
        weight = self.constant(node.inputs[0])
        if weight is None or weight.ndim != 2 or contracted_axes(node, 2) != 1:
            raise NoMatchError
        if attributes.integer(node, "inferInputRankToMap", -1) < -1:
            raise NoMatchError
        value, factor = self.scaled(node.inputs[1])
        matrix = weight[:, first:last] * np.float32(factor) if factor != 1.0 else weight[:, first:last]
        state = self.state(value)
        if state is not None:
            return Recurrent(matrix, value)
        gated = self.expect(value, "ElementTimes")
        for position in (0, 1):
            gate = self.nodes.get(self.through(gated.inputs[position]))
            other = self.through(gated.inputs[1 - position])
            if gate is not None and gate.op in SIGMOIDS and self.state(other) is not None:
                return Recurrent(matrix, other, gate.outputs[0])
        raise NoMatchError

    def _element_product(self, node: Node, first: int, last: int) -> Peephole | Gated:
        """A vector times a state (a peephole), or a gate times a sum."""
        for position in (0, 1):
            vector = self.constant(node.inputs[position])
            if vector is not None:
                value, factor = self.scaled(node.inputs[1 - position])
                full = np.broadcast_to(vector, (self.width(node.outputs[0]),))
                return Peephole(full[first:last] * np.float32(factor), value)
        for position in (0, 1):
            gate = self.nodes.get(self.through(node.inputs[position]))
            if gate is not None and gate.op in SIGMOIDS:
                return Gated(gate.outputs[0], tuple(self.terms(node.inputs[1 - position], first, last)))
        raise NoMatchError
