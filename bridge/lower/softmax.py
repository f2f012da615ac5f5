"""Softmax and its relatives. The primitives work on a whole sample, whatever its rank; the blocks work along one axis."""

from __future__ import annotations

from typing import Final

import onnx_ir as ir

from bridge.graph import attributes
from bridge.graph.model import DataType
from bridge.graph.network import Node
from bridge.lower.flattening import flattened, unflattened
from bridge.lower.lowering import ONNX_TYPES, Lowering
from bridge.lower.registry import lowers
from bridge.lower.value import Lowered


@lowers(
    "Softmax",
    "LogSoftmax",
    onnx="the operator of the same name, over the flattened sample (the last axis where there are no dynamic axes)",
)
def lower_softmax(ctx: Lowering, node: Node) -> ir.Value:
    """The (logarithm of the) share of each element in the sum of exponentials over the whole sample."""
    operand = ctx.value(node.inputs[0])
    made = ctx.builder.op(node.op, _columns(ctx, operand).value, axis=-1)
    return _restored(ctx, made, operand)


def _columns(ctx: Lowering, operand: Lowered) -> Lowered:
    """What CNTK's engine sees as columns of a matrix: whole samples, or, of a value without dynamic axes, its last axis alone."""
    return flattened(ctx, operand) if _is_sample(operand) else operand


def _restored(ctx: Lowering, value: ir.Value, operand: Lowered) -> ir.Value:
    return unflattened(ctx, value, operand) if _is_sample(operand) else value


def _is_sample(operand: Lowered) -> bool:
    return bool(operand.type.axes) or operand.type.rank == 0


_BLOCKS: Final = {"Block:Softmax": "Softmax", "Block:LogSoftmax": "LogSoftmax"}


@lowers(*_BLOCKS, onnx="the operator of the same name, along one axis")
def lower_softmax_block(ctx: Lowering, node: Node) -> ir.Value:
    """The same along one static axis."""
    operand = ctx.value(node.inputs[0])
    axis = attributes.row_major(node, attributes.axis(node), operand.type.rank)
    return ctx.builder.op(_BLOCKS[node.op], operand.value, axis=operand.type.dynamic_rank + axis)


@lowers(
    "Hardmax",
    onnx="Hardmax over the flattened sample (the last axis where there are no dynamic axes)",
    exactness="exact but for NaN; of equal maxima the first",
)
def lower_hardmax(ctx: Lowering, node: Node) -> ir.Value:
    """1 at the first maximum of the whole sample, else 0."""
    operand = ctx.value(node.inputs[0])
    return _restored(ctx, _hardmax(ctx, _columns(ctx, operand)), operand)


def _hardmax(ctx: Lowering, flat: Lowered) -> ir.Value:
    b = ctx.builder
    if flat.type.data_type is not DataType.DOUBLE:
        return b.op("Hardmax", flat.value, axis=-1)
    # onnxruntime has no float64 kernel, and rounding to float32 would make ties of distinct numbers.
    size = b.op("Squeeze", ctx.shape_vector(flat.value, flat.type.dynamic_rank + flat.type.rank - 1), b.integers(0))
    positions = b.op("Range", b.constant(0, "int64"), size, b.constant(1, "int64"))
    truth = b.op("Equal", first_maximum(ctx, flat, keep=True), positions)
    return b.op("Cast", truth, to=int(ONNX_TYPES[flat.type.data_type]))


def first_maximum(ctx: Lowering, flat: Lowered, *, keep: bool = False) -> ir.Value:
    """int64: the position of the first maximum along the last axis, which goes or, with ``keep``, stays as 1."""
    return ctx.builder.op("ArgMax", flat.value, axis=-1, keepdims=int(keep), select_last_index=0)
