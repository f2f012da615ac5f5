"""ConvolutionSequenceShape: how long sequences are after a convolution over their own axis.

CNTK saves such a convolution as primitives: the sequence is unpacked with zeros behind its end, convolved along an axis like any
other, and packed again by these lengths.
"""

from __future__ import annotations

from typing import Final

import onnx_ir as ir

from bridge.graph.inference.spatial import time_axis
from bridge.graph.network import Node
from bridge.lower.lowering import ONNX_TYPES, Lowering
from bridge.lower.registry import Refuse, lowers

_SAME_ALONE: Final = 2
"""Strides up to which automatic padding in front of a sequence is the same whatever the length of the batch."""


@lowers("ConvolutionSequenceShape", onnx="arithmetic on the true lengths")
def lower_convolution_sequence_shape(ctx: Lowering, node: Node) -> ir.Value:
    """``[N, 1]``: the number of windows over each sequence, from its own length."""
    b = ctx.builder
    weight, data = ctx.operands(node)
    if data.extent is None:
        raise Refuse("the lengths of a convolution over a sequence inside a recurrence")
    axis = time_axis(node, weight.type, data.type)
    if axis.auto and axis.stride > _SAME_ALONE:
        ctx.report.warn(
            f"{node.name or node.uid}: a convolution over sequences, stride {axis.stride}, pads them all as the longest of the "
            "batch needs it, in CNTK as here; shorter ones may differ from running alone"
        )
    margin = -1 if axis.auto else axis.lower + axis.upper - axis.extent
    room = b.op("Add", data.extent.lengths, b.integers(margin + axis.stride))
    # One window more than whole strides fit into the room; none where the sequence is shorter than the window.
    windows = b.op("Div", b.op("Max", room, b.integers(0)), b.integers(axis.stride))
    counted = b.op("Unsqueeze", windows, b.integers(1))
    return b.op("Cast", counted, to=int(ONNX_TYPES[ctx.type_of(node.outputs[0]).data_type]))
