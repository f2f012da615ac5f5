"""Converter faults: planted in the lowering, so that a faulty file comes out, or in a file that was right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from bridge.graph import attributes
from bridge.graph.network import Node
from bridge.graph.window import WindowAxis, pooling_axes
from bridge.lower import convolution, padding, pooling
from bridge.lower.lowering import Lowering
from bridge.lower.padding import Fitted
from bridge.lower.recurrence import packing
from bridge.lower.registry import LOWERINGS

Plant = Callable[[pytest.MonkeyPatch], None]
Edit = Callable[[onnx.GraphProto], None]


@dataclass(frozen=True)
class Fault:
    """``network`` is the folder of a recorded case, ``node`` and ``onnx_operator`` what the bisection has to name.

    ``lowering`` makes the converter faulty, ``edit`` a converted file.
    """

    name: str
    network: str
    node: str
    onnx_operator: str
    lowering: Plant | None = None
    edit: Edit | None = None


# --- in the lowering ------------------------------------------------------------------------------------------------------------


def swapped_padding(patch: pytest.MonkeyPatch) -> None:
    def swapped(*arguments: Any) -> Fitted:
        fitted = padding.fit(*arguments)
        half = len(fitted.pads) // 2
        return replace(fitted, pads=fitted.pads[half:] + fitted.pads[:half])

    patch.setattr(convolution, "fit", swapped)


def other_epsilon(patch: pytest.MonkeyPatch) -> None:
    """Keras's, whatever the file says."""
    right = attributes.number

    def number(node: Node, name: str, default: float) -> float:
        return 1e-3 if name == "epsilon" else right(node, name, default)

    patch.setattr(attributes, "number", number)


def gate_order(patch: pytest.MonkeyPatch) -> None:
    """Input, forget, output, cell: the order of CNTK's matrix kept where ONNX wants input, output, forget, cell."""
    right = packing._pack

    def unordered(*arguments: Any) -> Any:
        cell = right(*arguments)
        order = [0, 2, 1, 3]
        rows = np.arange(4 * cell.width).reshape(4, cell.width)[order].ravel()
        bias = np.concatenate([rows, 4 * cell.width + rows])
        return replace(cell, weights=cell.weights[rows], recurrent=cell.recurrent[rows], biases=cell.biases[bias])

    patch.setattr(packing, "_pack", unordered)


def floor_for_ceil(patch: pytest.MonkeyPatch) -> None:
    def floored(*arguments: Any) -> Sequence[WindowAxis]:
        return [replace(axis, ceil=False) for axis in pooling_axes(*arguments)]

    patch.setattr(pooling, "pooling_axes", floored)


def softmax_of_another_axis(patch: pytest.MonkeyPatch) -> None:
    def another_axis(ctx: Lowering, node: Node) -> Any:
        operand = ctx.value(node.inputs[0])
        axis = (attributes.row_major(node, attributes.axis(node), operand.type.rank) + 1) % operand.type.rank
        return ctx.builder.op("Softmax", operand.value, axis=operand.type.dynamic_rank + axis)

    patch.setitem(LOWERINGS, "Block:Softmax", replace(LOWERINGS["Block:Softmax"], rule=another_axis))


def padded_steps_leak(patch: pytest.MonkeyPatch) -> None:
    """What stands behind the ends of sequences is seen where sequences become a static axis."""
    right = LOWERINGS["UnpackSequence"]

    def unmasked(ctx: Lowering, node: Node) -> Any:
        made = right.rule(ctx, node)
        value = ctx.value(node.inputs[0]).value
        return (value, *made[1:]) if isinstance(made, tuple) else value

    patch.setitem(LOWERINGS, "UnpackSequence", replace(right, rule=unmasked))


def left_out(patch: pytest.MonkeyPatch) -> None:
    def nothing(ctx: Lowering, node: Node) -> Any:
        return ctx.value(node.inputs[0]).value

    patch.setitem(LOWERINGS, "Tanh", replace(LOWERINGS["Tanh"], rule=nothing))


# --- in the file ----------------------------------------------------------------------------------------------------------------


def missing_lengths(graph: onnx.GraphProto) -> None:
    """No LSTM is told how long its sequences are."""
    for node in graph.node:
        if node.op_type == "LSTM":
            del node.input[4:]


def missing_lengths_backward(graph: onnx.GraphProto) -> None:
    """The LSTM that runs backwards starts in the padding."""
    for node in graph.node:
        if node.op_type == "LSTM" and any(attribute.s == b"reverse" for attribute in node.attribute):
            del node.input[4:]


def other_direction(graph: onnx.GraphProto) -> None:
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name == "direction":
                attribute.s = b"forward"


def other_slope(graph: onnx.GraphProto) -> None:
    """Half the slope of the leaky ReLU, for negative numbers."""
    node = _the(graph, "ElementTimes86/Mul")
    _rewrite(graph, node.input[0], lambda slope: slope / 2)


def later_epsilon(graph: onnx.GraphProto) -> None:
    for attribute in _the(graph, "BatchNormalization121/BatchNormalization").attribute:
        if attribute.name == "epsilon":
            attribute.f = 1e-5


def no_transpose(graph: onnx.GraphProto) -> None:
    for attribute in _the(graph, "turned/Transpose").attribute:
        attribute.ints[:] = [0, 1, 2, 3]


def concat_of_rows(graph: onnx.GraphProto) -> None:
    """The shapes behind it fit no longer: the whole model does not run."""
    for attribute in _the(graph, "joined/Concat").attribute:
        attribute.i = 2


def scaled_along_other_axis(graph: onnx.GraphProto) -> None:
    _rewrite(graph, _the(graph, "scaled/Mul").input[1], lambda factor: factor.transpose(0, 2, 1))


def weights_transposed(graph: onnx.GraphProto) -> None:
    """In CNTK's row order: ``[rows, columns, maps]`` flattened the other way round."""
    node = _the(graph, "Times254/MatMul")
    _rewrite(graph, node.input[1], lambda weight: weight.reshape(8, 4, -1).transpose(1, 0, 2).reshape(weight.shape))


def reduced_rows(graph: onnx.GraphProto) -> None:
    _rewrite(graph, _the(graph, "_static_axes_subop/ReduceSum").input[1], lambda axes: axes + 1)


def damaged_weight(graph: onnx.GraphProto) -> None:
    """One bit of the last layer's bias."""

    def flip(bias: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        bits = bias.view(np.uint32).copy()
        bits[1] ^= 1 << 23
        return bits.view(np.float32)

    _rewrite(graph, _the(graph, "Plus364/Add").input[1], flip)


def _the(graph: onnx.GraphProto, name: str) -> onnx.NodeProto:
    found: list[onnx.NodeProto] = [node for node in graph.node if node.name == name]
    (node,) = found
    return node


def _rewrite(graph: onnx.GraphProto, name: str, change: Callable[[Any], Any]) -> None:
    (tensor,) = (tensor for tensor in graph.initializer if tensor.name == name)
    changed = np.ascontiguousarray(change(numpy_helper.to_array(tensor)))
    tensor.CopyFrom(numpy_helper.from_array(changed, name))


FAULTS = (
    Fault("swapped padding", "image", "norm (BatchNormalization61)", "Conv", lowering=swapped_padding),
    Fault("another epsilon", "image", "norm (BatchNormalization61)", "Conv", lowering=other_epsilon),
    Fault("gate order", "text", "forward_cell (ElementTimes528)", "LSTM", lowering=gate_order),
    Fault("floor for ceil", "image", "pool (Pooling100)", "MaxPool", lowering=floor_for_ceil),
    Fault("softmax along another axis", "image", "shares (Block192)", "Softmax", lowering=softmax_of_another_axis),
    Fault("padded steps leak", "text", "UnpackSequenceOp1479", "", lowering=padded_steps_leak),
    Fault("an operator left out", "image", "Tanh158", "", lowering=left_out),
    Fault("missing lengths", "text", "forward_cell (ElementTimes528)", "LSTM", edit=missing_lengths),
    Fault("missing lengths backwards", "text", "backward_cell (ElementTimes1203)", "LSTM", edit=missing_lengths_backward),
    Fault("the other direction", "text", "backward_cell (ElementTimes1203)", "LSTM", edit=other_direction),
    Fault("the slope of a leaky ReLU", "image", "leaky (ElementTimes86)", "Mul", edit=other_slope),
    Fault(
        "epsilon of the second normalisation", "image", "again (BatchNormalization121)", "BatchNormalization", edit=later_epsilon
    ),
    Fault("no transpose", "image", "turned (TransposeAxes155)", "Transpose", edit=no_transpose),
    Fault("concatenated along another axis", "image", "joined (Splice161)", "Concat", edit=concat_of_rows),
    Fault("broadcast along another axis", "image", "scaled (ElementTimes208)", "Mul", edit=scaled_along_other_axis),
    Fault("reduced along another axis", "image", "rows (ReduceElements215)", "ReduceSum", edit=reduced_rows),
    Fault("weights in another order", "image", "hidden (Times254)", "MatMul", edit=weights_transposed),
    Fault("a damaged weight", "image", "z (Plus364)", "Add", edit=damaged_weight),
)
