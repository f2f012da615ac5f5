"""Convolution: Conv with CNTK's own padding, over whatever dynamic axes the data has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from bridge.errors import InvalidGraphError
from bridge.graph import attributes
from bridge.graph.model import DEFAULT_BATCH_AXIS, DataType
from bridge.graph.network import Node
from bridge.graph.types import TensorType
from bridge.graph.window import WindowAxis, completed, convolution_axes
from bridge.lower.lowering import Lowering
from bridge.lower.padding import fit
from bridge.lower.registry import Refuse, lowers
from bridge.lower.reshaping import reshape_range
from bridge.lower.transposed_convolution import lower_transposed
from bridge.lower.value import Lowered


@lowers(
    "Convolution",
    onnx="Conv or ConvTranspose with explicit pads; Pad in front where these are negative or depend on run-time sizes",
    exactness="1e-6 relative; float64 runs in float32",
)
def lower_convolution(ctx: Lowering, node: Node) -> ir.Value:
    """Convolution of ``[dyn..., C, spatial...]`` by weights ``[maps, C / groups, kernel...]``, or its transpose."""
    if attributes.flag(node, "sequential", default=False):
        raise Refuse("a sequence convolution that CNTK has not taken apart", "load and save the model with CNTK 2.7")
    weight, data = ctx.operands(node)
    batch, unfold = ctx.folded_batch(data)
    shape = data.type.shape
    axes = convolution_axes(node, weight.type.shape, shape)
    if not attributes.flag(node, "transpose", default=False):
        _check_sharing(node, axes, shape)
    groups = attributes.integer(node, "groups", 1)

    def compute(value: ir.Value, kernel: ir.Value) -> ir.Value:
        extra = range(1, weight.type.rank - len(shape))
        if extra:
            kernel = ctx.builder.op("Squeeze", kernel, ctx.builder.integers(*extra))
        if attributes.flag(node, "transpose", default=False):
            return lower_transposed(ctx, node, axes, value, shape, kernel, weight.type.shape)
        kernel = kernel if weight.type.rank > len(shape) else ctx.builder.op("Unsqueeze", kernel, ctx.builder.integers(0))
        maps = weight.type.shape[0] if weight.type.rank > len(shape) else 1
        if groups == 1 and slides_over_channels(axes, shape):
            return _over_channels(ctx, axes, value, shape, kernel, maps)
        return _convolve(ctx, value, kernel, axes[1:], shape[1:], groups)

    return unfold(ctx.in_float32(node, compute, batch, weight.value))


def _check_sharing(node: Node, axes: Sequence[WindowAxis], shape: Sequence[int]) -> None:
    """Refuse weights of their own for each position. Of a single one it means nothing, and of transposed ones CNTK ignores it."""
    stated = attributes.flags(node, "sharing", (True,))
    if len(stated) > len(axes):
        raise InvalidGraphError(f"sharing is stated for {len(stated)} axes; the data has {len(axes)}", node=node.uid)
    shared = completed(stated, len(axes), len(axes), neutral=True)[::-1]
    positions = (axis.positions(size) for axis, size in zip(axes, shape, strict=True))
    if any(count != 1 and not flag for count, flag in zip(positions, shared, strict=True)):
        raise Refuse("weights that are not shared between positions; CNTK 2.7 cannot run that either")


def slides_over_channels(axes: Sequence[WindowAxis], shape: Sequence[int]) -> bool:
    """Whether the window has several positions along the channels, does not cover them exactly, or there are no other axes."""
    if len(axes) == 1:
        return True
    channels = shape[0]
    covered = axes[0].positions(channels) == 1 and axes[0].padding(channels) == (0, 0) and axes[0].extent == channels
    return channels >= 0 and not covered


def _convolve(
    ctx: Lowering, value: ir.Value, kernel: ir.Value, window: Sequence[WindowAxis], sizes: Sequence[int], groups: int
) -> ir.Value:
    """Conv of ``[B, C, *sizes]``."""
    fitted = fit(ctx, value, window, sizes, ctx.builder.constant(0.0, np.float32))
    return ctx.builder.op(
        "Conv",
        fitted.value,
        kernel,
        kernel_shape=[axis.kernel for axis in window],
        strides=[axis.stride for axis in window],
        dilations=[axis.dilation for axis in window],
        pads=fitted.pads,
        group=groups,
    )


def _over_channels(
    ctx: Lowering, axes: Sequence[WindowAxis], value: ir.Value, shape: Sequence[int], kernel: ir.Value, maps: int
) -> ir.Value:
    """Convolution in one dimension more, the channels being one of them: output channels are maps times positions, maps first."""
    b = ctx.builder
    raised = _convolve(ctx, b.op("Unsqueeze", value, b.integers(1)), b.op("Unsqueeze", kernel, b.integers(1)), axes, shape, 1)
    positions = axes[0].positions(shape[0])
    if maps == 1:
        return b.op("Squeeze", raised, b.integers(1))
    if positions == 1:
        return b.op("Squeeze", raised, b.integers(2))
    found = tuple(axis.positions(size) for axis, size in zip(axes, shape, strict=True))
    known = Lowered(raised, TensorType(DataType.FLOAT, (maps, *found), (DEFAULT_BATCH_AXIS,)))
    return reshape_range(ctx, known, 0, 2, (maps * positions,))
