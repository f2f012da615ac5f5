"""Pooling: MaxPool, AveragePool and their global forms, with CNTK's own padding and empty windows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import onnx_ir as ir

from bridge.graph import attributes
from bridge.graph.model import DEFAULT_BATCH_AXIS, DataType
from bridge.graph.network import Node
from bridge.graph.types import TensorType
from bridge.graph.window import AVERAGE_POOLING, WindowAxis, pooling_axes
from bridge.lower.lowering import Lowering
from bridge.lower.padding import pad_explicitly, pads_attribute
from bridge.lower.registry import Refuse, lowers
from bridge.lower.reshaping import reshape_range
from bridge.lower.value import Lowered

_MOST_AXES = 3
"""Spatial axes that onnxruntime's pooling kernels know."""


@lowers(
    "Pooling",
    onnx="MaxPool, AveragePool, GlobalMaxPool, GlobalAveragePool; Pad in front where attributes cannot say the padding",
    exactness="exact; averages of float64 run in float32, but for global ones",
)
def lower_pooling(ctx: Lowering, node: Node) -> ir.Value:
    """The maximum or average of each window."""
    data = ctx.value(node.inputs[0])
    batch, unfold = ctx.folded_batch(data)
    shape = data.type.shape
    axes = pooling_axes(node, shape)
    value, window, sizes, restore = over_spatial_axes(ctx, batch, axes, shape)
    if attributes.integer(node, "poolingType") != AVERAGE_POOLING:
        return unfold(restore(_maximum(ctx, value, window, sizes, data.type.data_type)))
    if _is_global(window, sizes) and data.type.data_type is DataType.DOUBLE:
        mean = ctx.builder.op("ReduceMean", value, axes=list(range(2, 2 + len(window))), keepdims=1)
        return unfold(restore(mean))
    included = attributes.flag(node, "includePad", default=False)

    def compute(cells: ir.Value) -> ir.Value:
        return _average(ctx, cells, window, sizes, included=included)

    return unfold(restore(ctx.in_float32(node, compute, value)))


def over_spatial_axes(
    ctx: Lowering, value: ir.Value, axes: Sequence[WindowAxis], shape: Sequence[int], *, same_size: bool = False
) -> tuple[ir.Value, Sequence[WindowAxis], Sequence[int], Callable[[ir.Value], ir.Value]]:
    """``value [B, *shape]`` as ``[B, channels, spatial...]``, the window and sizes of its spatial axes, and the way back.

    CNTK pools along any axis, the first one included; leading axes that no window moves along are channels here. The way back
    is for one cell per window or, with ``same_size``, for values of the same sizes again.
    """
    b = ctx.builder
    leading = next((i for i, axis in enumerate(axes) if not axis.is_neutral), len(axes))
    channels = min(leading, 1) if len(axes) > 1 else 0
    if len(axes) - channels > _MOST_AXES:
        channels = leading
        if len(axes) - channels > _MOST_AXES or any(dim < 0 for dim in shape[:channels]):
            raise Refuse(f"pooling over {len(axes) - channels} axes of {list(shape)}; onnxruntime has at most {_MOST_AXES}")
    window, sizes = axes[channels:], shape[channels:]
    if channels == 0:
        return b.op("Unsqueeze", value, b.integers(1)), window, sizes, lambda made: b.op("Squeeze", made, b.integers(1))
    if channels == 1:
        return value, window, sizes, lambda made: made
    merged = math.prod(shape[:channels])
    lowered = Lowered(value, TensorType(DataType.FLOAT, tuple(shape), (DEFAULT_BATCH_AXIS,)))

    def restore(made: ir.Value) -> ir.Value:
        left = tuple(size if same_size else axis.positions(size) for axis, size in zip(window, sizes, strict=True))
        result = Lowered(made, TensorType(DataType.FLOAT, (merged, *left), (DEFAULT_BATCH_AXIS,)))
        return reshape_range(ctx, result, 0, 1, tuple(shape[:channels]))

    return reshape_range(ctx, lowered, 0, channels, (merged,)), window, sizes, restore


def _is_global(window: Sequence[WindowAxis], sizes: Sequence[int]) -> bool:
    """Whether one window covers everything, without padding."""
    return all(
        axis.kernel == size and axis.positions(size) == 1 and axis.padding(size) == (0, 0)
        for axis, size in zip(window, sizes, strict=True)
    )


def _maximum(ctx: Lowering, value: ir.Value, window: Sequence[WindowAxis], sizes: Sequence[int], data_type: DataType) -> ir.Value:
    b, dtype = ctx.builder, np.float64 if data_type is DataType.DOUBLE else np.float32
    if _is_global(window, sizes):
        if data_type is DataType.DOUBLE:
            return b.op("ReduceMax", value, axes=list(range(2, 2 + len(window))), keepdims=1)
        return b.op("GlobalMaxPool", value)
    misses = any(axis.may_miss_data(size) for axis, size in zip(window, sizes, strict=True))
    pads = None if misses else pads_attribute(window, sizes, pooling=True)
    if pads is None:
        value = pad_explicitly(ctx, value, window, sizes, b.constant(-np.inf, dtype))
    pooled = b.op("MaxPool", value, **sliding(window, pads))
    if not misses:
        return pooled
    # CNTK's maximum of nothing is minus infinity, onnxruntime's the lowest number there is.
    lowest = b.constant(np.finfo(dtype).min, dtype)
    return b.op("Where", b.op("Equal", pooled, lowest), b.constant(-np.inf, dtype), pooled)


def _average(ctx: Lowering, value: ir.Value, window: Sequence[WindowAxis], sizes: Sequence[int], *, included: bool) -> ir.Value:
    """The mean of each window: over its real cells, or over all of it with padding (``included``) counted as 0."""
    b = ctx.builder
    if _is_global(window, sizes):
        return b.op("GlobalAveragePool", value)
    misses = any(axis.may_miss_data(size) for axis, size in zip(window, sizes, strict=True))
    pads = None if misses else pads_attribute(window, sizes, pooling=True)
    if pads is not None:
        return b.op("AveragePool", value, **sliding(window, pads), count_include_pad=int(included))
    zero = b.constant(0.0, np.float32)
    mean = b.op("AveragePool", pad_explicitly(ctx, value, window, sizes, zero), **sliding(window, None))
    if included:
        return mean
    # The share of real cells in each window, from ones in their place; 0/0 where there are none, as in CNTK.
    known = all(size >= 0 for size in sizes)
    spatial = b.integers(*sizes) if known else ctx.shape_vector(value, 2)
    cells = b.op("Expand", b.constant(1.0, np.float32), b.op("Concat", b.integers(1, 1), spatial, axis=0))
    share = b.op("AveragePool", pad_explicitly(ctx, cells, window, sizes, zero), **sliding(window, None))
    return b.op("Div", mean, share)


def sliding(window: Sequence[WindowAxis], pads: Sequence[int] | None) -> dict[str, Sequence[int]]:
    """The attributes that all pooling operators share."""
    return {
        "kernel_shape": [axis.kernel for axis in window],
        "strides": [axis.stride for axis in window],
        "pads": list(pads) if pads is not None else [0] * (2 * len(window)),
    }
