"""Pad: cells around static axes, constant or mirrored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from bridge.errors import InvalidGraphError
from bridge.graph import attributes
from bridge.graph.inference.shape import pad_widths
from bridge.graph.network import Node
from bridge.lower.lowering import Lowering
from bridge.lower.registry import lowers

CONSTANT, REFLECT, SYMMETRIC = 0, 1, 2
"""Values of ``paddingMode``."""


@lowers("Pad", onnx="Pad; mirrored with the edge repeated: Slice backwards and Concat", structural=True)
def lower_pad(ctx: Lowering, node: Node) -> ir.Value:
    """Cells of one value, or mirrored without the edge (reflect) or with it (symmetric)."""
    operand = ctx.value(node.inputs[0])
    head, foot = pad_widths(node, operand.type.rank)
    mode = attributes.integer(node, "paddingMode", CONSTANT)
    if mode != CONSTANT:
        _check_mirrored(node, operand.type.shape, (head, foot), mode)
    dynamic = operand.type.dynamic_rank
    if mode == SYMMETRIC:
        return _symmetric(ctx, operand.value, dynamic, head, foot)
    still = [0] * dynamic
    amounts = ctx.builder.integers(*still, *head, *still, *foot)
    if mode == REFLECT:
        return ctx.builder.op("Pad", operand.value, amounts, mode="reflect")
    fill = ctx.like(operand, attributes.number(node, "paddingConstantValue", 0.0))
    return ctx.builder.op("Pad", operand.value, amounts, fill)


def _check_mirrored(node: Node, shape: Sequence[int], widths: tuple[Sequence[int], Sequence[int]], mode: int) -> None:
    """Raise where there are fewer cells to mirror than wanted."""
    for size, *wanted in zip(shape, *widths, strict=True):
        available = size - 1 if mode == REFLECT else size
        if size >= 0 and max(wanted) > available:
            raise InvalidGraphError(f"padding by {max(wanted)} mirrored cells of an axis that has {available}", node=node.uid)


def _symmetric(ctx: Lowering, value: ir.Value, dynamic: int, head: Sequence[int], foot: Sequence[int]) -> ir.Value:
    """Mirror each axis with its edge repeated, one axis after the other."""
    b = ctx.builder
    backwards, beginning = b.integers(-1), b.integers(np.iinfo(np.int64).min)
    for axis, (before, behind) in enumerate(zip(head, foot, strict=True), start=dynamic):
        parts = [value]
        if before:
            parts.insert(0, b.op("Slice", value, b.integers(before - 1), beginning, b.integers(axis), backwards))
        if behind:
            parts.append(b.op("Slice", value, b.integers(-1), b.integers(-behind - 1), b.integers(axis), backwards))
        if len(parts) > 1:
            value = b.op("Concat", *parts, axis=axis)
    return value
