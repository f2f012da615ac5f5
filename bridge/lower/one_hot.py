"""Class numbers as vectors, and the identity matrix."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from bridge.graph import attributes
from bridge.graph.inference.shape import one_hot_axis
from bridge.graph.network import Node
from bridge.lower.lowering import ONNX_TYPES, Lowering
from bridge.lower.registry import lowers
from bridge.lower.value import Lowered


@lowers(
    "OneHot",
    onnx="Floor, Equal with the class numbers, Cast",
    exactness="exact; negative and too large numbers give zeros",
)
def lower_one_hot(ctx: Lowering, node: Node) -> ir.Value:
    """1 at the class that a number, rounded down, names. ONNX's OneHot would take -1 for the last class."""
    b, operand = ctx.builder, ctx.value(node.inputs[0])
    axis, rank = one_hot_axis(node, operand.type.rank), operand.type.rank
    classes = np.arange(attributes.integer(node, "numClass")).reshape([-1] + [1] * (rank - axis))
    numbers = b.op("Unsqueeze", _class_numbers(ctx, operand), b.integers(operand.type.dynamic_rank + axis))
    truth = b.op("Equal", numbers, b.constant(classes, np.int64))
    return b.op("Cast", truth, to=int(ONNX_TYPES[ctx.type_of(node.outputs[0]).data_type]))


def rows_of_one_hot(ctx: Lowering, uid: str, table: Lowered) -> ir.Value | None:
    """The product of a OneHot ``uid`` with ``table [classes, ...]`` as rows of the table; zeros for classes that do not exist.

    ``None`` where ``uid`` is something else, or the rows cannot be taken directly. With the classes of a vocabulary, the product
    itself would be most of the work of a network.
    """
    node = ctx.network.producers.get(uid)
    # In a loop's body the numbers behind a OneHot that stands outside are not at hand step by step.
    if node is None or node.op != "OneHot" or table.type.axes or ctx.in_step:
        return None
    operand = ctx.value(node.inputs[0])
    if one_hot_axis(node, operand.type.rank) != operand.type.rank:
        return None
    b, numbers, classes = ctx.builder, _class_numbers(ctx, operand), attributes.integer(node, "numClass")
    near = b.op("Max", b.op("Min", numbers, b.constant(classes - 1, np.int64)), b.constant(0, np.int64))
    rows = b.op("Gather", table.value, near, axis=0)
    ranks = range(
        operand.type.dynamic_rank + operand.type.rank, operand.type.dynamic_rank + operand.type.rank + table.type.rank - 1
    )
    exists = b.op("Equal", near, numbers)
    return b.op("Where", b.op("Unsqueeze", exists, b.integers(*ranks)) if ranks else exists, rows, ctx.like(table, 0.0))


def _class_numbers(ctx: Lowering, operand: Lowered) -> ir.Value:
    """As int64: numbers rounded down, so that what is negative stays negative."""
    b = ctx.builder
    return b.op("Cast", b.op("Floor", operand.value), to=int(ir.DataType.INT64))


@lowers("EyeLikeOp", onnx="EyeLike")
def lower_eye_like(ctx: Lowering, node: Node) -> ir.Value:
    """The identity matrix over the operand's two axes; a batch axis counts as the rows."""
    return ctx.builder.op("EyeLike", ctx.value(node.inputs[0]).value)
