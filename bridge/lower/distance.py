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


@lowers("CosDistance", onnx="ReduceSum of the product, divided by both ReduceL2", exactness="1e-6 relative")
def lower_cos_distance(ctx: Lowering, node: Node) -> ir.Value:
    """The cosine of the angle between two samples, all static axes flattened."""
    left, right = (flattened(ctx, operand) for operand in ctx.operands(node))
    return _cosine(ctx, left, right)


@lowers(
    "CosDistanceWithNegativeSamples",
    onnx="cosines with the batch, turned around by Gather",
    exactness="exact; a sequence's negatives come from itself, as when it runs alone",
)
def lower_negative_samples(ctx: Lowering, node: Node) -> ir.Value:
    """Cosines of each sample with its own counterpart, and with those of the samples that follow at a distance, cyclically."""
    b = ctx.builder
    left, right = (flattened(ctx, ctx.value(uid)) for uid in node.inputs[:2])
    if left.type.axes != right.type.axes or not right.type.axes:
        raise Refuse(
            f"compares {left.type} with {right.type}; expected the same dynamic axes on both sides",
            "ask for the operands of the distance instead",
        )
    shift, count = negative_samples(node)
    columns = [_cosine(ctx, left, right)]
    for distance in range(shift, shift + count):
        other = Lowered(_turned(ctx, right, distance), right.type, right.extent)
        columns.append(_cosine(ctx, left, other))
    last = b.integers(right.type.dynamic_rank)
    return b.op("Concat", *(b.op("Unsqueeze", column, last) for column in columns), axis=-1)


def _turned(ctx: Lowering, operand: Lowered, distance: int) -> ir.Value:
    """The samples of a batch, or the real steps of each sequence, moved up by ``distance``; what falls out comes in again."""
    b = ctx.builder
    axis = operand.type.dynamic_rank - 1
    size = b.op("Squeeze", ctx.shape_vector(operand.value, axis, axis + 1), b.integers(0))
    own = b.op("Range", b.constant(0, np.int64), size, b.constant(1, np.int64))
    wanted = b.op("Add", own, b.constant(distance, np.int64))
    if operand.extent is None:
        return b.op("Gather", operand.value, b.op("Mod", wanted, size), axis=0)
    lengths = b.op("Max", b.op("Unsqueeze", operand.extent.lengths, b.integers(1)), b.constant(1, np.int64))
    index = b.op("Unsqueeze", b.op("Mod", wanted, lengths), b.integers(2))
    return b.op("GatherND", operand.value, index, batch_dims=1)


def _cosine(ctx: Lowering, left: Lowered, right: Lowered) -> ir.Value:
    """``[dynamic axes..., elements]`` twice -> ``[dynamic axes...]``."""
    b = ctx.builder
    x, y = ctx.broadcast([left, right])
    dot = b.op("ReduceSum", b.op("Mul", x, y), b.integers(-1), keepdims=0)
    least = ctx.like(left, _SMALLEST_NORM)
    norms = [b.op("Max", b.op("ReduceL2", value, axes=[-1], keepdims=0), least) for value in (x, y)]
    return b.op("Div", b.op("Div", dot, norms[0]), norms[1])
