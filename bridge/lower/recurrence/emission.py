"""Packed cells as nodes: an LSTM, GRU or RNN between Transposes, two of opposite directions over the same sequence as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from bridge.lower.builder import RECURRENT_PARAMETERS_KEY, TRAINABLE_KEY
from bridge.lower.lowering import Lowering
from bridge.lower.recurrence.algebra import Matrix
from bridge.lower.value import Extent


@dataclass(frozen=True, slots=True)
class PackedCell:
    """A recurrent layer in ONNX's order of gates.

    ``inputs`` are sequences ``[N, T, I_k]``, joined along their last axis.
    ``weights`` are ``[G*H, I]``, ``recurrent`` ``[G*H, H]``, ``biases`` ``[2*G*H]``, ``peepholes`` ``[3*H]``.
    ``initial`` are states that broadcast to ``[N, H]``, ``None`` for zero.
    """

    operator: str
    width: int
    activations: tuple[str, ...]
    linear_before_reset: bool
    reverse: bool
    inputs: tuple[ir.Value, ...]
    extent: Extent
    weights: Matrix
    recurrent: Matrix
    biases: Matrix
    peepholes: Matrix | None
    initial: tuple[ir.Value | None, ...]
    parameters: tuple[str, ...] = ()  # uids of the parameters that the loop itself reads
    trainable: bool = True  # whether CNTK would train any of them

    def is_counterpart(self, other: PackedCell) -> bool:
        """Whether the two may run as one bidirectional operator."""
        return (
            self.reverse != other.reverse
            and (self.operator, self.width, self.linear_before_reset) == (other.operator, other.width, other.linear_before_reset)
            and self.inputs == other.inputs
            and self.extent is other.extent
            and (self.peepholes is None) == (other.peepholes is None)
        )


def emit(ctx: Lowering, cell: PackedCell) -> ir.Value:
    """One direction: ``[N, T, H]``, padded steps zero."""
    b = ctx.builder
    made = _node(ctx, [cell], "reverse" if cell.reverse else "forward")
    return b.op("Transpose", b.op("Squeeze", made, b.integers(1)), perm=[1, 0, 2])


def emit_both(ctx: Lowering, forward: PackedCell, backward: PackedCell) -> tuple[ir.Value, ir.Value, ir.Value]:
    """Both directions: forward and backward ``[N, T, H]``, and the two side by side ``[N, T, 2*H]``."""
    b = ctx.builder
    made = b.op("Transpose", _node(ctx, [forward, backward], "bidirectional"), perm=[2, 0, 1, 3])
    joined = b.op("Reshape", made, b.integers(0, 0, 2 * forward.width))
    halves = [b.op("Gather", made, b.constant(k, np.int64), axis=2) for k in range(2)]
    return halves[0], halves[1], joined


def _node(ctx: Lowering, cells: list[PackedCell], direction: str) -> ir.Value:
    b, first = ctx.builder, cells[0]
    joined = first.inputs[0] if len(first.inputs) == 1 else b.op("Concat", *first.inputs, axis=2)
    activations = [name for cell in cells for name in cell.activations]
    attributes: dict[str, int | str | list[str]] = {"hidden_size": first.width, "activations": activations}
    if direction != "forward":
        attributes["direction"] = direction
    if first.operator == "GRU":
        attributes["linear_before_reset"] = int(first.linear_before_reset)
    operands: list[ir.Value | None] = [
        b.op("Transpose", joined, perm=[1, 0, 2]),
        b.constant(np.stack([cell.weights for cell in cells]), name=f"{b.scope}/W"),
        b.constant(np.stack([cell.recurrent for cell in cells]), name=f"{b.scope}/R"),
        b.constant(np.stack([cell.biases for cell in cells]), name=f"{b.scope}/B"),
        b.op("Cast", first.extent.lengths, to=int(ir.DataType.INT32)),
        *_initial_states(ctx, cells),
    ]
    peepholes = [cell.peepholes for cell in cells if cell.peepholes is not None]
    if peepholes:
        operands.append(b.constant(np.stack(peepholes), name=f"{b.scope}/P"))
    # onnxruntime 1.31 crashes on a recurrent operator whose last input is there but empty.
    while operands[-1] is None:
        operands.pop()
    made = b.op(first.operator, *operands, **attributes)
    producer = made.producer()
    if ctx.options.for_training and producer is not None:
        producer.metadata_props[RECURRENT_PARAMETERS_KEY] = ";".join(",".join(cell.parameters) for cell in cells)
        producer.metadata_props[TRAINABLE_KEY] = ";".join(str(cell.trainable).lower() for cell in cells)
    return made


def _initial_states(ctx: Lowering, cells: list[PackedCell]) -> list[ir.Value | None]:
    """One operand per state, ``[directions, N, H]``; ``None`` where all directions start at zero. Equal ones are made once."""
    made: dict[tuple[ir.Value | None, ...], ir.Value | None] = {}
    found = []
    for states in zip(*(cell.initial for cell in cells), strict=True):
        if states not in made:
            made[states] = _initial(ctx, states, cells[0])
        found.append(made[states])
    return found


def _initial(ctx: Lowering, states: tuple[ir.Value | None, ...], cell: PackedCell) -> ir.Value | None:
    if all(state is None for state in states):
        return None
    b = ctx.builder
    sizes = [ctx.shape_vector(cell.extent.lengths, 0, 1), b.integers(cell.width)]
    known = [np.zeros(1) if state is None else b.known(state) for state in states]
    arrays = [array for array in known if array is not None]
    if len(arrays) == len(states) and not ctx.options.for_training:
        rows = b.constant(np.stack([np.broadcast_to(array, (1, cell.width)) for array in arrays]), np.float32)
        return b.op("Expand", rows, b.op("Concat", b.integers(len(states)), *sizes, axis=0))
    zero, size = b.constant(0.0, np.float32), b.op("Concat", *sizes, axis=0)
    full = [b.op("Unsqueeze", b.op("Expand", zero if state is None else state, size), b.integers(0)) for state in states]
    return full[0] if len(full) == 1 else b.op("Concat", *full, axis=0)
