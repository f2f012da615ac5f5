"""Unpooling: each pooled cell goes back to where the maximum of its window was."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from bridge.graph import attributes
from bridge.graph.model import NUMPY_TYPES
from bridge.graph.network import Node
from bridge.graph.window import MAX_POOLING, pooling_axes
from bridge.lower.lowering import Lowering
from bridge.lower.padding import fit
from bridge.lower.pooling import over_spatial_axes, sliding
from bridge.lower.registry import Refuse, lowers


@lowers("Unpooling", onnx="the indices of MaxPool over the original, ScatterElements into zeros")
def lower_unpooling(ctx: Lowering, node: Node) -> ir.Value:
    """Zeros in the original's shape, and each value of the first operand where the first maximum of its window is in the second.

    Where windows overlap, the later one wins: ScatterElements writes in order.
    """
    if attributes.integer(node, "poolingType") != MAX_POOLING:
        raise Refuse("unpooling of averages; CNTK has it for maxima alone")
    b = ctx.builder
    pooled, original = ctx.operands(node)
    if pooled.type.dynamic_rank != original.type.dynamic_rank:
        raise Refuse(f"unpooling of {pooled.type} by {original.type}")
    shape = original.type.shape
    dtype = NUMPY_TYPES[original.type.data_type]
    axes = pooling_axes(node, shape, "unpoolingWindowShape")
    batch, unfold = ctx.folded_batch(original)
    values, _ = ctx.folded_batch(pooled)
    if any(size >= 0 and any(axis.missing(size)) for axis, size in zip(axes, shape, strict=True)):
        raise Refuse("unpooling of windows that hold nothing but padding")
    value, window, sizes, restore = over_spatial_axes(ctx, batch, axes, shape, same_size=True)
    if not window:  # many axes, and windows of a single cell: each value stands where it was
        return pooled.value
    fitted = fit(ctx, value, window, sizes, b.constant(-np.inf, dtype))
    # The indices count through the whole tensor, so that one axis is all there is to scatter along.
    _, places = b.ops("MaxPool", 2, fitted.value, **sliding(window, fitted.pads))
    flat = b.integers(-1)
    extent = ctx.shape_vector(fitted.value, 0)
    zeros = b.op("Expand", b.constant(0.0, dtype), b.op("ReduceProd", extent, keepdims=1))
    filled = b.op("ScatterElements", zeros, b.op("Reshape", places, flat), b.op("Reshape", values, flat), axis=0)
    result = b.op("Reshape", filled, extent)
    if fitted.amounts is not None:
        result = b.op("Pad", result, b.op("Neg", fitted.amounts), b.constant(0.0, dtype))
    return unfold(restore(result))
