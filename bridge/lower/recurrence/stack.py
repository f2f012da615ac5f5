"""OptimizedRNNStack: several recurrent layers in one operator, their weights in one blob laid out as cuDNN lays them out.

The blob holds, layer by layer and direction by direction, ``W^T [g*H, in]`` and ``R^T [g*H, H]``; after all layers' weights,
again layer by layer and direction by direction, the biases ``Wb [g*H]`` and ``Rb [g*H]``. Gate blocks stand in cuDNN's order: i,
f, g, o for LSTM and r, z, n for GRU; ONNX wants i, o, f, g and z, r, n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx_ir as ir

from bridge.graph import attributes
from bridge.graph.model import DataType
from bridge.graph.network import Node
from bridge.lower.lowering import Lowering
from bridge.lower.recurrence.algebra import Matrix
from bridge.lower.registry import Refuse, lowers
from bridge.lower.value import Lowered


@dataclass(frozen=True, slots=True)
class _Kind:
    operator: str
    gate_order: tuple[int, ...]  # ONNX's gates as positions in the blob
    activations: tuple[str, ...]


_KINDS: Final = {
    "lstm": _Kind("LSTM", (0, 3, 1, 2), ("Sigmoid", "Tanh", "Tanh")),
    "gru": _Kind("GRU", (1, 0, 2), ("Sigmoid", "Tanh")),
    "rnnTanh": _Kind("RNN", (0,), ("Tanh",)),
    "rnnReLU": _Kind("RNN", (0,), ("Relu",)),
}


@dataclass(frozen=True, slots=True)
class _Direction:
    weights: Matrix  # [g*H, in]
    recurrent: Matrix  # [g*H, H]
    biases: Matrix  # [2*g*H]


@lowers(
    "OptimizedRNNStack",
    onnx="LSTM, GRU or RNN per layer",
    exactness="exact; gru follows cuDNN's documentation, float64 runs in float32",
)
def lower_stack(ctx: Lowering, node: Node) -> ir.Value | Lowered:
    """One ONNX operator per layer, bidirectional where the stack is."""
    operand = ctx.value(node.inputs[0])
    kind = _KINDS.get(attributes.text(node, "recurrentOp"))
    if kind is None:
        raise Refuse(f"the recurrence {attributes.text(node, 'recurrentOp')!r}; expected one of {', '.join(_KINDS)}")
    if ctx.in_step or operand.extent is None or operand.type.rank != 1 or operand.type.has_free:
        raise Refuse(f"OptimizedRNNStack over {operand.type}; expected a sequence of vectors of known size")
    blob = ctx.constant_of(node.inputs[1])
    if blob is None:
        raise Refuse("the weights of OptimizedRNNStack are computed at run time")
    layers = _unpack(node, kind, np.asarray(blob, np.float32).reshape(-1), operand.type.shape[0])
    b, extent = ctx.builder, operand.extent
    lengths = b.op("Cast", extent.lengths, to=int(ir.DataType.INT32))

    def compute(value: ir.Value) -> ir.Value:
        turned = b.op("Transpose", value, perm=[1, 0, 2])
        for layer in layers:
            turned = _layer(ctx, kind, layer, turned, lengths)
        return b.op("Transpose", turned, perm=[1, 0, 2])

    made = ctx.in_float32(node, compute, operand.value) if operand.type.data_type is DataType.DOUBLE else compute(operand.value)
    return ctx.result(node, made, clean=True)


def _unpack(node: Node, kind: _Kind, blob: Matrix, width: int) -> list[list[_Direction]]:
    """Cut the blob into layers and directions. Raises ``Refuse`` when its size is not what the attributes say."""
    hidden, count = attributes.integer(node, "hiddenSize"), attributes.integer(node, "numLayers")
    directions = 2 if attributes.flag(node, "bidirectional", default=False) else 1
    rows = len(kind.gate_order) * hidden
    widths = [width] + [hidden * directions] * (count - 1)
    expected = sum(directions * rows * (w + hidden + 2) for w in widths)
    if blob.size != expected:
        raise Refuse(f"{blob.size} weights; {count} layer(s) of {hidden} units over {width} inputs take {expected}")
    position = 0

    def take(*shape: int) -> Matrix:
        nonlocal position
        size = int(np.prod(shape))
        position += size
        return blob[position - size : position].reshape(shape)

    matrices = [[(take(rows, w), take(rows, hidden)) for _ in range(directions)] for w in widths]
    return [[_Direction(weights, recurrent, take(2 * rows)) for weights, recurrent in layer] for layer in matrices]


def _layer(ctx: Lowering, kind: _Kind, layer: list[_Direction], value: ir.Value, lengths: ir.Value) -> ir.Value:
    """``[T, N, in]`` -> ``[T, N, directions * H]``."""
    b = ctx.builder
    hidden = layer[0].recurrent.shape[1]
    attrs: dict[str, int | str | list[str]] = {"hidden_size": hidden, "activations": list(kind.activations) * len(layer)}
    if len(layer) > 1:
        attrs["direction"] = "bidirectional"
    if kind.operator == "GRU":
        attrs["linear_before_reset"] = 1
    made = b.op(
        kind.operator,
        value,
        b.constant(np.stack([_ordered(d.weights, kind) for d in layer]), name=f"{b.scope}/W"),
        b.constant(np.stack([_ordered(d.recurrent, kind) for d in layer]), name=f"{b.scope}/R"),
        b.constant(np.stack([_ordered_biases(d.biases, kind) for d in layer]), name=f"{b.scope}/B"),
        lengths,
        **attrs,
    )
    together = b.op("Transpose", made, perm=[0, 2, 1, 3])
    return b.op("Reshape", together, b.integers(0, 0, hidden * len(layer)))


def _ordered(matrix: Matrix, kind: _Kind) -> Matrix:
    """Gate blocks in ONNX's order."""
    return np.concatenate([np.split(matrix, len(kind.gate_order))[gate] for gate in kind.gate_order])


def _ordered_biases(biases: Matrix, kind: _Kind) -> Matrix:
    return np.concatenate([_ordered(half, kind) for half in np.split(biases, 2)])
