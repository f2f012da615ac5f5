"""Operators that turn a static axis into a dynamic one, or back: the tensor stays, its meaning changes."""

from __future__ import annotations

import onnx_ir as ir

from bridge.graph import attributes
from bridge.graph.network import Node
from bridge.lower.lowering import ONNX_TYPES, Lowering
from bridge.lower.registry import Refuse, lowers
from bridge.lower.sequence.reconcile import fitted
from bridge.lower.value import Extent, Lowered


@lowers("ToSequence", onnx="nothing (the first static axis becomes T)", structural=True)
def lower_to_sequence(ctx: Lowering, node: Node) -> Lowered:
    """The first static axis becomes the sequence axis; every sequence is full length, or as long as the second operand says."""
    operand = ctx.value(node.inputs[0])
    result = ctx.type_of(node.outputs[0])
    if ctx.in_step or operand.type.dynamic_rank != 1 or not result.is_sequence:
        raise Refuse(f"ToSequence of {operand.type}: expected a batch axis and no sequence axis")
    b = ctx.builder
    steps = ctx.shape_vector(operand.value, 1, 2)
    batch = ctx.shape_vector(operand.value, 0, 1)
    if len(node.inputs) > 1:
        given = b.op("Reshape", ctx.value(node.inputs[1]).value, b.integers(-1))
        lengths = b.op("Min", b.op("Cast", given, to=int(ir.DataType.INT64)), steps)
    else:
        lengths = b.op("Expand", steps, batch)
    return Lowered(operand.value, result, Extent(lengths, steps))


@lowers("ToSequenceLike", onnx="nothing (the first static axis becomes T)", structural=True)
def lower_to_sequence_like(ctx: Lowering, node: Node) -> Lowered:
    """The first static axis becomes the sequence axis of the second operand."""
    operand, like = ctx.operands(node)
    result = ctx.type_of(node.outputs[0])
    if ctx.in_step or like.extent is None or operand.type.dynamic_rank != 1:
        raise Refuse(f"ToSequenceLike of {operand.type} like {like.type}: expected a batch axis and a sequence to follow")
    own = Lowered(operand.value, result, Extent(like.extent.lengths, ctx.shape_vector(operand.value, 1, 2)))
    return Lowered(fitted(ctx, own, like.extent), result, like.extent)


@lowers("UnpackSequence", onnx="Where over the padding; the mask as a second output", structural=True)
def lower_unpack_sequence(ctx: Lowering, node: Node) -> tuple[Lowered, ...]:
    """The sequence axis becomes a static one, padding holds the padding value; the mask is 1 on real steps."""
    operand = ctx.value(node.inputs[0])
    if ctx.in_step or operand.extent is None:
        raise Refuse("UnpackSequence inside a recurrence, or of a value without a sequence axis")
    padding = attributes.number(node, "sequenceUnpackPaddingValue", 0.0)
    values = Lowered(ctx.masked(operand, padding), ctx.type_of(node.outputs[0]))
    if attributes.flag(node, "sequenceUnpackSuppressMaskOutput", default=False) or len(node.outputs) == 1:
        return (values,)
    mask = ctx.builder.op("Cast", ctx.mask(operand.extent), to=int(ONNX_TYPES[operand.type.data_type]))
    return (values, Lowered(mask, ctx.type_of(node.outputs[1])))


@lowers("ToBatch", "UnpackBatch", onnx="nothing (the first axis changes its meaning)", structural=True)
def lower_batch_relabel(ctx: Lowering, node: Node) -> Lowered:
    """The first static axis becomes the batch axis, or the batch axis the first static one."""
    return Lowered(ctx.value(node.inputs[0]).value, ctx.type_of(node.outputs[0]))
