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
from bridge.lower.padding import fit
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
    if not window:  # many axes, and windows of a single cell
        return unfold(restore(value))
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
    nothing = b.constant(-np.inf, dtype)
    window, missing = _touching(window, sizes)
    fitted = fit(ctx, value, window, sizes, nothing)
    pooled = b.op("MaxPool", fitted.value, **sliding(window, fitted.pads))
    if any(size < 0 and axis.may_miss() for axis, size in zip(window, sizes, strict=True)):
        # CNTK's maximum of nothing is minus infinity, onnxruntime's the lowest number there is.
        pooled = b.op("Where", b.op("Equal", pooled, b.constant(np.finfo(dtype).min, dtype)), nothing, pooled)
    return _with_missing(ctx, pooled, missing, nothing)


def _average(ctx: Lowering, value: ir.Value, window: Sequence[WindowAxis], sizes: Sequence[int], *, included: bool) -> ir.Value:
    """The mean of each window: over its real cells, or over all of it with padding (``included``) counted as 0."""
    b = ctx.builder
    if _is_global(window, sizes):
        return b.op("GlobalAveragePool", value)
    zero = b.constant(0.0, np.float32)
    window, missing = _touching(window, sizes)
    fitted = fit(ctx, value, window, sizes, zero)
    counted = sliding(window, fitted.pads)
    mean = b.op("AveragePool", fitted.value, **counted, count_include_pad=int(included))
    if not included and any(axis.padding(size) is None for axis, size in zip(window, sizes, strict=True)):
        # Padding that depends on run-time sizes is real to AveragePool: ones in place of the cells tell their share of a window.
        cells = b.op("Expand", b.constant(1.0, np.float32), b.op("Concat", b.integers(1, 1), ctx.shape_vector(value, 2), axis=0))
        mean = b.op("Div", mean, b.op("AveragePool", b.op("Pad", cells, fitted.amounts, zero), **counted))
    return _with_missing(ctx, mean, missing, zero if included else b.constant(np.nan, np.float32))


def _touching(window: Sequence[WindowAxis], sizes: Sequence[int]) -> tuple[list[WindowAxis], list[tuple[int, int]]]:
    """The windows that touch data, and how many before and behind do not, along each axis.

    onnxruntime's kernels want some data in every window. Along axes whose size only the run time knows, all windows are taken.
    """
    touching, missing = [], []
    for axis, size in zip(window, sizes, strict=True):
        known = axis.padding(size)
        if size < 0:
            if known is not None and max(known) >= axis.extent:
                raise Refuse(f"padding of {max(known)} cells for a window of {axis.extent} over a size known at run time alone")
            touching.append(axis)
            missing.append((0, 0))
            continue
        missing.append(axis.missing(size))
        if sum(missing[-1]) >= axis.positions(size):
            raise Refuse("pooling of nothing but padding")
        touching.append(axis.touching(size))
    return touching, missing


def _with_missing(ctx: Lowering, value: ir.Value, missing: Sequence[tuple[int, int]], fill: ir.Value) -> ir.Value:
    """The windows that ``_touching`` left out, which hold ``fill``, put back."""
    if not any(map(any, missing)):
        return value
    amounts = (0, 0, *(pair[0] for pair in missing), 0, 0, *(pair[1] for pair in missing))
    return ctx.builder.op("Pad", value, ctx.builder.integers(*amounts), fill)


def sliding(window: Sequence[WindowAxis], pads: Sequence[int]) -> dict[str, Sequence[int]]:
    """The attributes that all pooling operators share."""
    return {
        "kernel_shape": [axis.kernel for axis in window],
        "strides": [axis.stride for axis in window],
        "pads": list(pads),
    }
