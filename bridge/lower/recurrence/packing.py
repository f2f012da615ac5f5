"""A recognised cell as an ONNX LSTM, GRU or RNN: inputs joined, weights packed in ONNX's order."""

from __future__ import annotations

from typing import Final

import numpy as np
import onnx_ir as ir

from bridge.graph.inference.product import contracted_axes
from bridge.graph.model import DataType, Variable, VariableKind
from bridge.graph.slicing import slices
from bridge.lower.lowering import Lowering
from bridge.lower.product_folding import normalisation_behind
from bridge.lower.recurrence.algebra import Matrix, NoMatchError, Outside
from bridge.lower.recurrence.cells import Cell, Gate, recognise
from bridge.lower.recurrence.emission import PackedCell, emit, emit_both
from bridge.lower.recurrence.loop import Loop, State
from bridge.lower.registry import LOWERINGS
from bridge.lower.value import Lowered

_MOST_PARTS: Final = 256
"""Parts into which a projection outside the loop is taken; a sum of more is an input of its own."""
_MOST_ELEMENTS: Final = 1 << 26
"""Elements of a matrix of our own making."""


def lower_as_cell(ctx: Lowering, loop: Loop) -> bool:
    """Lower the loop as one operator; false when it is none that ONNX has, or of a type that the runtime has no kernel for."""
    source_type = ctx.type_of(loop.states[0].source)
    if source_type.data_type is not DataType.FLOAT or not source_type.is_sequence:
        return False
    cell = recognise(ctx, loop)
    inputs = None if cell is None else _Inputs.read(ctx, cell)
    if cell is None or inputs is None:
        return False
    hidden = _lower_packed(ctx, loop, cell, _pack(ctx, loop, cell, inputs))
    if cell.projected is not None and cell.projection is not None:
        product = ctx.builder.op("MatMul", hidden, _projection_matrix(ctx, cell.projected, cell.projection))
        ctx.values[cell.projected] = Lowered(product, ctx.type_of(cell.projected), loop.extent, clean=True)
    for state in loop.states:
        output = state.delay.outputs[0]
        if output in loop.visible:
            ctx.values[output] = ctx.run(LOWERINGS[state.delay.op], state.delay)[0]
    return True


def _projection_matrix(ctx: Lowering, uid: str, matrix: Matrix) -> ir.Value:
    """The matrix that projects the state, by the product of CNTK's that it comes from."""
    if not ctx.options.for_training:
        return ctx.builder.constant(matrix)
    node = ctx.network.producers[uid]
    return ctx.builder.constants.parameter(matrix, f"{node.name or 'projection'}", node.uid, trainable=True)


class _Inputs:
    """What the gates read from outside: per sequence a matrix ``[width, gates * hidden]``, and the sum of all constants."""

    def __init__(self, cell: Cell) -> None:
        self.columns = cell.width * len(cell.gates)
        self.matrices: dict[str, Matrix] = {}
        self.bias = np.concatenate([gate.bias for gate in cell.gates]).astype(np.float32)

    @classmethod
    def read(cls, ctx: Lowering, cell: Cell) -> _Inputs | None:
        """Gather all gates' terms; ``None`` when one of them is no sequence, or too wide."""
        found = cls(cell)
        for position, gate in enumerate(cell.gates):
            for term in gate.outside:
                if not found._add(ctx, term, position * cell.width):
                    return None
        return found if found.matrices else None

    def _add(self, ctx: Lowering, term: Outside, column: int) -> bool:
        size = term.last - term.first
        try:
            parts = _projections(ctx, term)
        except NoMatchError:
            return False
        for uid, matrix in parts:
            if uid is None:
                self.bias[column : column + size] += matrix
                continue
            if ctx.value(uid).extent is None:
                return False
            full = self.matrices.setdefault(uid, np.zeros((matrix.shape[0], self.columns), np.float32))
            full[:, column : column + size] += matrix
        return True


def _projections(ctx: Lowering, term: Outside) -> list[tuple[str | None, Matrix]]:
    """Columns of a value as a sum of (sequence, matrix) products and of constants (``None``, vector).

    What is not a product with a constant matrix counts as itself times columns of the identity.
    """
    found: list[tuple[str | None, Matrix]] = []
    pending = [term]
    while pending:
        if len(found) + len(pending) > _MOST_PARTS:
            return [_as_it_is(ctx, term)]
        part = pending.pop()
        parts = _parts(ctx, part)
        if parts:
            pending.extend(reversed(parts))
        else:
            found.extend(_through_normalisation(ctx, *_projection(ctx, part)))
    return found


def _through_normalisation(ctx: Lowering, uid: str | None, matrix: Matrix) -> list[tuple[str | None, Matrix]]:
    """A product of a batch normalisation as one of what it normalises, and a constant."""
    found = None if uid is None else normalisation_behind(ctx, uid)
    if found is None:
        return [(uid, matrix)]
    folded, bias = found.into(matrix)
    return [(found.uid, folded), (None, bias)]


def _parts(ctx: Lowering, term: Outside) -> list[Outside]:
    """The operands of a sum, or the value that a slice is cut from; nothing for any other value."""
    node = ctx.network.producers.get(term.uid)
    if node is None or ctx.constant_of(term.uid) is not None:
        return []
    if node.op == "Plus" and all(ctx.type_of(uid).shape == ctx.type_of(term.uid).shape for uid in node.inputs):
        return [Outside(uid, term.first, term.last) for uid in node.inputs]
    if node.op == "Slice":
        cut = slices(node, ctx.type_of(node.inputs[0]).shape)
        if len(cut) == 1 and cut[0].step == 1:
            return [Outside(node.inputs[0], term.first + cut[0].start, term.last + cut[0].start)]
    return []


def _projection(ctx: Lowering, term: Outside) -> tuple[str | None, Matrix]:
    """A constant, a product with a constant matrix, or any other value as it is."""
    constant = ctx.constant_of(term.uid)
    if constant is not None:
        width = ctx.type_of(term.uid).shape[0]
        return None, np.broadcast_to(np.asarray(constant, np.float32), (width,))[term.first : term.last]
    node = ctx.network.producers.get(term.uid)
    if node is not None and node.op == "Times" and node.inputs[1] not in ctx.indexed:
        weight = ctx.constant_of(node.inputs[0])
        data = ctx.type_of(node.inputs[1])
        is_matrix = weight is not None and weight.ndim == 2 and contracted_axes(node, 2) == 1
        if is_matrix and data.rank == 1 and data.is_sequence:
            return node.inputs[1], np.asarray(weight, np.float32)[:, term.first : term.last]
    return _as_it_is(ctx, term)


def _as_it_is(ctx: Lowering, term: Outside) -> tuple[str, Matrix]:
    width, columns = ctx.type_of(term.uid).shape[0], term.last - term.first
    if width * columns > _MOST_ELEMENTS:
        raise NoMatchError
    return term.uid, np.eye(width, columns, -term.first, dtype=np.float32)


def _lower_packed(ctx: Lowering, loop: Loop, cell: Cell, packed: PackedCell) -> ir.Value:
    """Emit the cell, together with one of the other direction over the same sequence that nothing has read yet."""
    for uid, other in list(ctx.cells.items()):
        if packed.is_counterpart(other) and not ctx.value(uid).value.uses():
            del ctx.cells[uid]
            forward, backward = (other, packed) if packed.reverse else (packed, other)
            *halves, joined = emit_both(ctx, forward, backward)
            ctx.joined[halves[0], halves[1]] = joined
            own, others = (halves[1], halves[0]) if packed.reverse else (halves[0], halves[1])
            ctx.values[uid] = Lowered(others, ctx.type_of(uid), loop.extent, clean=True)
            break
    else:
        own = emit(ctx, packed)
        ctx.cells[cell.hidden] = packed
    ctx.values[cell.hidden] = Lowered(own, ctx.type_of(cell.hidden), loop.extent, clean=True)
    return own


def _pack(ctx: Lowering, loop: Loop, cell: Cell, inputs: _Inputs) -> PackedCell:
    weights = np.concatenate(list(inputs.matrices.values()), axis=0)
    parameters = _parameters(ctx, loop)
    recurrent = np.concatenate([_unprojected(cell, gate) for gate in cell.gates], axis=1)
    return PackedCell(
        operator=cell.operator,
        width=cell.width,
        activations=tuple(cell.activations),
        linear_before_reset=cell.linear_before_reset,
        reverse=loop.reverse,
        inputs=tuple(_sequence(ctx, uid, loop) for uid in inputs.matrices),
        extent=loop.extent,
        weights=np.ascontiguousarray(weights.T),
        recurrent=np.ascontiguousarray(recurrent.T),
        biases=_bias(cell, inputs.bias),
        peepholes=_peepholes(cell),
        initial=tuple(_initial(ctx, state) for state in cell.states),
        parameters=tuple(dict.fromkeys(leaf.uid for leaf in parameters)),
        trainable=not parameters or any(leaf.needs_gradient for leaf in parameters),
    )


def _parameters(ctx: Lowering, loop: Loop) -> list[Variable]:
    """The parameters that the loop reads at every step."""
    leaves = [ctx.network.leaves[uid] for node in loop.nodes for uid in node.inputs if uid in ctx.network.leaves]
    return [leaf for leaf in leaves if leaf.kind is VariableKind.PARAMETER]


def _peepholes(cell: Cell) -> Matrix | None:
    """In the order of input, output and forget gate; ``None`` where no gate has one."""
    found = [gate.peephole for gate in cell.gates[:3]]
    if cell.operator != "LSTM" or all(vector is None for vector in found):
        return None
    return np.concatenate([np.zeros(cell.width) if vector is None else vector for vector in found]).astype(np.float32)


def _sequence(ctx: Lowering, uid: str, loop: Loop) -> ir.Value:
    """An outside sequence at its full size: a reconciled value may have been left to broadcast."""
    known = ctx.value(uid)
    node = ctx.network.producers.get(uid)
    if node is None or node.op != "ReconcileDynamicAxis":
        return known.value
    b = ctx.builder
    batch = ctx.shape_vector(loop.extent.lengths, 0, 1)
    return b.op("Expand", known.value, b.op("Concat", batch, loop.extent.steps, b.integers(*known.type.shape), axis=0))


def _unprojected(cell: Cell, gate: Gate) -> Matrix:
    """The recurrent matrix over ``h`` itself: the projection of the state is folded into it."""
    return gate.recurrent if cell.projection is None else cell.projection @ gate.recurrent


def _bias(cell: Cell, bias: Matrix) -> Matrix:
    """Input biases, then recurrent ones: zero but for a GRU that multiplies by its reset gate after the product."""
    recurrent = np.zeros_like(bias)
    if cell.recurrent_bias is not None:
        recurrent[2 * cell.width :] = cell.recurrent_bias
    return np.concatenate([bias, recurrent]).astype(np.float32)


def _initial(ctx: Lowering, state: State) -> ir.Value | None:
    """The initial state, broadcastable to ``[N, H]``; ``None`` where it is zero, and not a parameter that training may change."""
    initial = ctx.in_type(ctx.value(state.initial), ctx.type_of(state.source).data_type)
    known = ctx.builder.known(initial.value)
    zero = known is not None and not known.any() and initial.value not in ctx.builder.constants.traced
    return None if zero else ctx.raised(initial, 1, 1)
