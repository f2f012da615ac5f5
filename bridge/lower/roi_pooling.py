"""ROIPooling: the maximum in each cell of a grid laid over each region of interest."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from bridge.graph import attributes
from bridge.graph.network import Node
from bridge.graph.window import MAX_POOLING
from bridge.lower.lowering import Lowering
from bridge.lower.registry import Refuse, lowers


@lowers(
    "ROIPooling",
    onnx="MaxRoiPool over all regions of the batch; cells that start outside of the image are 0",
    exactness="exact in float32, in which other types run; a region that ends before it starts is one cell, where CNTK reads on",
)
def lower_roi_pooling(ctx: Lowering, node: Node) -> ir.Value:
    """Images ``[N, C, H, W]`` and regions ``[N, R, 4]``, each ``(x1, y1, x2, y2)`` -> ``[N, R, C, h, w]``."""
    if attributes.integer(node, "poolingType", MAX_POOLING) != MAX_POOLING:
        raise Refuse("the average over regions; CNTK 2.7 has the maximum alone")
    b = ctx.builder
    data, regions = ctx.operands(node)
    width, height = attributes.integers(node, "roiOutputShape")
    scale = attributes.number(node, "spatialScale", 1 / 16)
    images, unfold_images = ctx.folded_batch(data)
    boxes, unfold_boxes = ctx.folded_batch(regions)
    unfold = unfold_images if data.type.dynamic_rank >= regions.type.dynamic_rank else unfold_boxes
    if data.type.dynamic_rank != regions.type.dynamic_rank:
        images, boxes = _same_batch(ctx, images, boxes)

    def compute(images: ir.Value, boxes: ir.Value) -> ir.Value:
        flat = b.op("Reshape", boxes, b.integers(-1, 4))
        rows = b.op("Concat", _image_of_each(ctx, boxes), flat, axis=1)
        pooled = b.op("MaxRoiPool", images, rows, pooled_shape=[height, width], spatial_scale=scale)
        outside = b.op("Or", _starts_outside(ctx, flat, scale, 1, height), _starts_outside(ctx, flat, scale, 0, width))
        kept = b.op("Where", outside, b.constant(0.0, np.float32), pooled)
        sizes = b.op("Concat", ctx.shape_vector(boxes, 0, 2), ctx.shape_vector(pooled, 1), axis=0)
        return b.op("Reshape", kept, sizes)

    return unfold(ctx.in_float32(node, compute, images, boxes))


def _same_batch(ctx: Lowering, images: ir.Value, boxes: ir.Value) -> tuple[ir.Value, ir.Value]:
    """Both repeated to the larger batch: one of them has no dynamic axes, and so holds for every sample."""
    b = ctx.builder
    count = b.op("Max", ctx.shape_vector(images, 0, 1), ctx.shape_vector(boxes, 0, 1))
    return (
        b.op("Expand", images, b.op("Concat", count, b.integers(1, 1, 1), axis=0)),
        b.op("Expand", boxes, b.op("Concat", count, b.integers(1, 1), axis=0)),
    )


def _image_of_each(ctx: Lowering, boxes: ir.Value) -> ir.Value:
    """float32 ``[N * R, 1]``: the number of the image that each region of ``boxes [N, R, 4]`` belongs to."""
    b = ctx.builder
    count = b.op("Squeeze", ctx.shape_vector(boxes, 0, 1), b.integers(0))
    numbers = b.op("Range", b.constant(0, np.int64), count, b.constant(1, np.int64))
    each = b.op("Expand", b.op("Unsqueeze", numbers, b.integers(1)), ctx.shape_vector(boxes, 0, 2))
    return b.op("Cast", b.op("Reshape", each, b.integers(-1, 1)), to=int(ir.DataType.FLOAT))


def _starts_outside(ctx: Lowering, flat: ir.Value, scale: float, column: int, cells: int) -> ir.Value:
    """Where grid cells start before the image, and CNTK leaves 0: bool ``[N * R, 1, cells or 1, cells or 1]``.

    ``column``: 0 for cells along the width, 1 along the height.
    """
    b = ctx.builder
    half = b.constant(0.5, np.float32)

    def rounded(position: int) -> ir.Value:
        """Coordinates in cells of the image ``[N * R, 1]``, halves away from zero."""
        scaled = b.op("Mul", b.op("Gather", flat, b.integers(position), axis=1), b.constant(scale, np.float32))
        return b.op("Mul", b.op("Sign", scaled), b.op("Floor", b.op("Add", b.op("Abs", scaled), half)))

    first, last = rounded(column), rounded(column + 2)
    one = b.constant(1.0, np.float32)
    extent = b.op("Max", b.op("Add", b.op("Sub", last, first), one), one)
    step = b.op("Div", extent, b.constant(cells, np.float32))
    zero = b.constant(0.0, np.float32)
    # Counted when the model runs: what a file claims of a grid is no reason to make one at conversion.
    numbers = b.op("Unsqueeze", b.op("Range", zero, b.constant(cells, np.float32), one), b.integers(0))
    starts = b.op("Floor", b.op("Mul", step, numbers))
    outside = b.op("Less", b.op("Add", starts, first), zero)
    return b.op("Unsqueeze", outside, b.integers(1, 2) if column == 0 else b.integers(1, 3))
