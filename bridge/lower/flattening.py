"""All static axes of a sample as one: what operators see that know a sample as a plain vector."""

from __future__ import annotations

import math

import onnx_ir as ir

from bridge.graph.model import FREE
from bridge.lower.lowering import Lowering
from bridge.lower.value import Lowered


def flattened(ctx: Lowering, operand: Lowered) -> Lowered:
    """The operand with its static axes merged in row-major order: ``[dynamic axes..., elements]``."""
    if operand.type.rank == 1:
        return operand
    size = FREE if operand.type.has_free else math.prod(operand.type.shape)
    kept = [0] * operand.type.dynamic_rank  # 0 copies the size at the same position
    value = ctx.builder.op("Reshape", operand.value, ctx.builder.integers(*kept, max(size, -1)))
    return Lowered(value, operand.type.with_shape((size,)), operand.extent, operand.clean)


def unflattened(ctx: Lowering, value: ir.Value, like: Lowered) -> ir.Value:
    """``value``, of as many elements per sample as ``like``, in the static shape of ``like``."""
    if like.type.rank == 1:
        return value
    if like.type.has_free:
        return ctx.builder.op("Reshape", value, ctx.shape_vector(like.value, 0))
    kept = [0] * like.type.dynamic_rank
    return ctx.builder.op("Reshape", value, ctx.builder.integers(*kept, *like.type.shape))
