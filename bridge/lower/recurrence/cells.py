"""Recognises LSTM, GRU and simple RNN cells by their equations (``cntk.layers``, BrainScript, hand-written: the same algebra).

    LSTM  c = f*c' + i*act(g)    h = o*act(c)        gates: sigmoid of terms over x, h', peepholes on c' (i, f) and c (o)
    GRU   h = (1-z)*n + z*h'     n = act(x.. + (r*h')H), or act(x.. + r*(h'H))
    RNN   h = act(x.. + h'H)

``'`` marks the value of the step before (after, when the recurrence runs backwards). An LSTM's state may be a projection of
``h``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bridge.graph.network import Node
from bridge.lower.lowering import Lowering
from bridge.lower.recurrence.algebra import (
    ACTIVATIONS,
    SIGMOIDS,
    Algebra,
    Bias,
    Gated,
    Matrix,
    NoMatchError,
    Outside,
    Peephole,
    Recurrent,
    Term,
)
from bridge.lower.recurrence.loop import Loop, State


@dataclass(slots=True)
class Gate:
    """The terms of one gate, sorted by kind."""

    bias: Matrix
    outside: list[Outside]
    recurrent: Matrix  # [state width, gate width]
    peephole: Matrix | None = None


@dataclass(slots=True)
class Cell:
    """A recognised cell. ``gates`` are in the order of the ONNX operator; ``hidden`` and ``projected`` are uids of the loop."""

    operator: str  # "LSTM", "GRU" or "RNN"
    width: int
    gates: list[Gate]
    activations: list[str]
    hidden: str
    states: list[State]  # the hidden state, then the cell state of an LSTM
    projected: str | None = None
    projection: Matrix | None = None
    linear_before_reset: bool = False
    recurrent_bias: Matrix | None = field(default=None)


def recognise(ctx: Lowering, loop: Loop) -> Cell | None:
    """The cell that the loop is, or ``None``.

    Every node of the loop must take part, and nothing but the result be read outside.
    """
    if any(state.offset != 1 or ctx.value(state.initial).extent is not None for state in loop.states):
        return None
    for match in (_lstm, _gru, _rnn):
        algebra = Algebra(ctx, loop)
        try:
            cell = match(algebra)
        except NoMatchError:
            continue
        delays = {state.delay.outputs[0] for state in loop.states if state.source in (cell.hidden, cell.projected)}
        results = {cell.hidden, cell.projected} | delays
        if algebra.visited >= {node.uid for node in loop.nodes} and loop.visible <= results:
            return cell
    return None


def _lstm(algebra: Algebra) -> Cell:
    cell_state, forget, addition = _cell_state(algebra)
    source = cell_state.source
    width = algebra.width(source)
    inward, candidate = _gate_and_activation(algebra, addition)
    hidden, outward, squash = _hidden(algebra, source)
    state, projected, projection = _hidden_state(algebra, hidden, cell_state)
    cell_delay = {uid for uid, s in algebra.states.items() if s.source == source}
    gates = [
        _gate(algebra, algebra.terms(inward.inputs[0]), state, cell_delay),
        _gate(algebra, algebra.terms(outward.inputs[0]), state, {source}),
        _gate(algebra, algebra.terms(forget.inputs[0]), state, cell_delay),
        _gate(algebra, algebra.terms(candidate.inputs[0]), state, set()),
    ]
    return Cell(
        operator="LSTM",
        width=width,
        gates=gates,
        activations=["Sigmoid", ACTIVATIONS[candidate.op], ACTIVATIONS[squash.op]],
        hidden=hidden,
        states=[state, cell_state],
        projected=projected,
        projection=projection,
    )


def _cell_state(algebra: Algebra) -> tuple[State, Node, Node]:
    """The state ``c = f*c' + rest`` with its forget gate and the product that is ``rest``."""
    for state in algebra.states.values():
        node = algebra.nodes.get(state.source)
        if node is None or node.op != "Plus":
            continue
        for position in (0, 1):
            kept, added = (algebra.nodes.get(algebra.through(node.inputs[p])) for p in (position, 1 - position))
            if kept is None or added is None or kept.op != "ElementTimes" or added.op != "ElementTimes":
                continue
            for side in (0, 1):
                delayed = algebra.state(kept.inputs[side])
                gate = algebra.nodes.get(algebra.through(kept.inputs[1 - side]))
                if delayed is not None and delayed.source == state.source and gate is not None and gate.op in SIGMOIDS:
                    algebra.visited.update((node.uid, kept.uid, added.uid, gate.uid))
                    return delayed, gate, added
    raise NoMatchError


def _gate_and_activation(algebra: Algebra, product: Node) -> tuple[Node, Node]:
    """The operands of ``gate * act(...)``, whichever comes first."""
    first, second = (algebra.expect(uid, *ACTIVATIONS) for uid in product.inputs)
    if first.op in SIGMOIDS:
        return first, second
    if second.op in SIGMOIDS:
        return second, first
    raise NoMatchError


def _hidden(algebra: Algebra, cell: str) -> tuple[str, Node, Node]:
    """``h = o * act(c)``: its uid, the output gate and the activation of the cell."""
    for node in algebra.loop.nodes:
        if node.op != "ElementTimes":
            continue
        for side in (0, 1):
            squash = algebra.nodes.get(algebra.through(node.inputs[side]))
            gate = algebra.nodes.get(algebra.through(node.inputs[1 - side]))
            if squash is None or gate is None or squash.op not in ACTIVATIONS or gate.op not in SIGMOIDS:
                continue
            if algebra.through(squash.inputs[0]) == cell:
                algebra.visited.update((node.uid, squash.uid, gate.uid))
                return node.outputs[0], gate, squash
    raise NoMatchError


def _hidden_state(algebra: Algebra, hidden: str, cell_state: State) -> tuple[State, str | None, Matrix | None]:
    """The state that carries ``h`` or a projection of it."""
    for state in algebra.states.values():
        if state.source == cell_state.source:
            continue
        source = algebra.through(state.source)
        if source == hidden:
            return state, None, None
        node = algebra.nodes[source]
        weight = algebra.constant(node.inputs[0]) if node.op == "Times" else None
        if weight is None or weight.ndim != 2:
            raise NoMatchError
        value, factor = algebra.scaled(node.inputs[1])
        initial = algebra.constant(state.initial)
        # Only the zero state is the projection of a state for certain.
        if value != hidden or initial is None or initial.any():
            raise NoMatchError
        algebra.visited.add(node.uid)
        return state, state.source, weight * np.float32(factor)
    raise NoMatchError


def _width(term: Term) -> int:
    """The number of columns of a term."""
    if isinstance(term, Outside):
        return term.last - term.first
    if isinstance(term, Recurrent):
        return int(term.matrix.shape[1])
    if isinstance(term, Gated):
        return _width(term.terms[0])
    return len(term.vector)


def _gate(algebra: Algebra, terms: list[Term], state: State, peepholes: set[str]) -> Gate:
    """Sort the terms of one gate; anything that the ONNX operators have no place for is no match."""
    width = _width(terms[0])
    nothing = np.broadcast_to(np.zeros((), np.float32), (algebra.width(state.source), width))  # takes no memory
    gate = Gate(np.zeros(width, np.float32), [], nothing)
    for term in terms:
        if isinstance(term, Bias):
            gate.bias = gate.bias + term.vector
        elif isinstance(term, Outside):
            gate.outside.append(term)
        elif isinstance(term, Recurrent) and term.gate is None and _same_state(algebra, term.state, state):
            gate.recurrent = gate.recurrent + term.matrix
        elif isinstance(term, Peephole) and algebra.through(term.source) in peepholes and gate.peephole is None:
            gate.peephole = term.vector
        else:
            raise NoMatchError
    return gate


def _same_state(algebra: Algebra, uid: str, state: State) -> bool:
    """Whether ``uid`` is the delayed value of the same source from the same initial value."""
    found = algebra.state(uid)
    return found is not None and found.source == state.source and found.initial == state.initial


def _gru(algebra: Algebra) -> Cell:
    state = next(iter(algebra.states.values()))
    total = algebra.expect(state.source, "Plus")
    for position in (0, 1):
        fresh, kept = (algebra.expect(total.inputs[p], "ElementTimes") for p in (position, 1 - position))
        update = next((uid for uid in map(algebra.through, kept.inputs) if _is_sigmoid(algebra, uid)), None)
        carried = [uid for uid in map(algebra.through, kept.inputs) if uid != update]
        if (
            update is None
            or len(carried) != 1
            or algebra.state(carried[0]) is None
            or not _same_state(algebra, carried[0], state)
        ):
            continue
        candidate = _candidate(algebra, fresh, update)
        if candidate is None:
            continue
        return _gru_cell(algebra, state, algebra.node(update), candidate)
    raise NoMatchError


def _is_sigmoid(algebra: Algebra, uid: str) -> bool:
    node = algebra.nodes.get(uid)
    return node is not None and node.op in SIGMOIDS


def _candidate(algebra: Algebra, product: Node, update: str) -> Node | None:
    """``n`` in ``(1-z)*n``."""
    for side in (0, 1):
        node = algebra.nodes.get(algebra.through(product.inputs[side]))
        if node is None or node.op != "Minus" or algebra.through(node.inputs[1]) != update:
            continue
        one = algebra.constant(node.inputs[0])
        if one is not None and (one == 1).all():
            algebra.visited.add(node.uid)
            return algebra.expect(product.inputs[1 - side], *ACTIVATIONS)
    return None


def _gru_cell(algebra: Algebra, state: State, update: Node, candidate: Node) -> Cell:
    terms = algebra.terms(candidate.inputs[0])
    resets = {t.gate for t in terms if isinstance(t, (Recurrent, Gated)) and t.gate is not None}
    if len(resets) != 1:
        raise NoMatchError
    reset = algebra.node(resets.pop())
    flat: list[Term] = []
    after = [term for term in terms if isinstance(term, Gated)]
    for term in terms:
        if isinstance(term, Recurrent) and term.gate is not None:
            flat.append(Recurrent(term.matrix, term.state))
        elif isinstance(term, Gated):
            flat.extend(inner for inner in term.terms if isinstance(inner, Recurrent))
        else:
            flat.append(term)
    if after and any(isinstance(term, Recurrent) for term in terms):
        raise NoMatchError
    gated_bias = [inner for term in after for inner in term.terms if not isinstance(inner, Recurrent)]
    if any(not isinstance(inner, Bias) for inner in gated_bias):
        raise NoMatchError
    gates = [
        _gate(algebra, algebra.terms(update.inputs[0]), state, set()),
        _gate(algebra, algebra.terms(reset.inputs[0]), state, set()),
        _gate(algebra, flat, state, set()),
    ]
    return Cell(
        operator="GRU",
        width=algebra.width(state.source),
        gates=gates,
        activations=["Sigmoid", ACTIVATIONS[candidate.op]],
        hidden=state.source,
        states=[state],
        linear_before_reset=bool(after),
        recurrent_bias=sum((t.vector for t in gated_bias if isinstance(t, Bias)), np.zeros((), np.float32))
        if gated_bias
        else None,
    )


def _rnn(algebra: Algebra) -> Cell:
    state = next(iter(algebra.states.values()))
    node = algebra.expect(state.source, *ACTIVATIONS)
    gate = _gate(algebra, algebra.terms(node.inputs[0]), state, set())
    return Cell("RNN", algebra.width(state.source), [gate], [ACTIVATIONS[node.op]], state.source, [state])
