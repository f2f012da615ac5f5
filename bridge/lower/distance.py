"""Cosines between samples."""

from __future__ import annotations

from typing import Final

import numpy as np
import onnx_ir as ir

from bridge.graph.inference.criteria import negative_samples
from bridge.graph.network import Node
from bridge.lower.flattening import flattened
from bridge.lower.lowering import Lowering
from bridge.lower.registry import Refuse, lowers
from bridge.lower.value import Lowered

_SMALLEST_NORM: Final = 1e-30
"""Norms below this count as this, so that the cosine with a zero vector is 0."""


@lowers("CosDistance", onnx="ReduceSum of the product, divided by both ReduceL2")
def lower_cos_distance(ctx: Lowering, node: Node) -> ir.Value:
    """The cosine of the angle between two samples, all static axes flattened."""
    left, right = (flattened(ctx, operand) for operand in ctx.operands(node))
    return _cosine(ctx, left, right)


@lowers("CosDistanceWithNegativeSamples", onnx="cosines with the batch, turned around by Gather")
def lower_negative_samples(ctx: Lowering, node: Node) -> ir.Value:
    """Cosines of each sample with its own counterpart, and with those of the samples that follow at a distance, cyclically."""
    b = ctx.builder
    left, right = (flattened(ctx, ctx.value(uid)) for uid in node.inputs[:2])
    if left.type.dynamic_rank != 1 or right.type.dynamic_rank != 1:
        raise Refuse(
            f"compares {left.type} with {right.type}; samples of other sequences are expressible for batches without sequences alone",
            "ask for the operands of the distance instead",
        )
    shift, count = negative_samples(node)
    size = b.op("Squeeze", ctx.shape_vector(right.value, 0, 1), b.integers(0))
    own = b.op("Range", b.constant(0, np.int64), size, b.constant(1, np.int64))
    columns = [_cosine(ctx, left, right)]
    for distance in range(shift, shift + count):
        turned = b.op("Mod", b.op("Add", own, b.constant(distance, np.int64)), size)
        other = Lowered(b.op("Gather", right.value, turned, axis=0), right.type)
        columns.append(_cosine(ctx, left, other))
    return b.op("Concat", *(b.op("Unsqueeze", column, b.integers(1)) for column in columns), axis=1)


def _cosine(ctx: Lowering, left: Lowered, right: Lowered) -> ir.Value:
    """``[dynamic axes..., elements]`` twice -> ``[dynamic axes...]``."""
    b = ctx.builder
    x, y = ctx.broadcast([left, right])
    dot = b.op("ReduceSum", b.op("Mul", x, y), b.integers(-1), keepdims=0)
    least = ctx.like(left, _SMALLEST_NORM)
    norms = [b.op("Max", b.op("ReduceL2", value, axes=[-1], keepdims=0), least) for value in (x, y)]
    return b.op("Div", b.op("Div", dot, norms[0]), norms[1])
