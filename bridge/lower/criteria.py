"""Losses and metrics that sum over all samples and real steps of a batch: one number, no dynamic axes.

Operands come in the order prediction, label. Sums run in float64, as CNTK's do.
"""

from __future__ import annotations

import onnx_ir as ir

from bridge.errors import InvalidGraphError
from bridge.graph import attributes
from bridge.graph.network import Node
from bridge.lower.elementwise import LOG_OF_NOTHING, SMALLEST_LOG_ARGUMENT
from bridge.lower.flattening import flattened
from bridge.lower.lowering import ONNX_TYPES, Lowering
from bridge.lower.registry import Refuse, lowers
from bridge.lower.softmax import first_maximum
from bridge.lower.value import Lowered


def total(ctx: Lowering, operand: Lowered) -> ir.Value:
    """The sum of all elements, padded steps left out: a scalar of the operand's type, summed in float64."""
    b = ctx.builder
    wide = b.op("Cast", ctx.masked(operand), to=int(ir.DataType.DOUBLE))
    return b.op("Cast", b.op("ReduceSum", wide, keepdims=0), to=int(ONNX_TYPES[operand.type.data_type]))


def sample_count(ctx: Lowering, operand: Lowered) -> ir.Value:
    """How many samples, or real steps of sequences, the operand has: an int64 scalar."""
    b = ctx.builder
    if operand.extent is not None:
        return b.op("ReduceSum", operand.extent.lengths, keepdims=0)
    if not operand.type.axes:
        return b.constant(1, "int64")
    return b.op("Squeeze", ctx.shape_vector(operand.value, 0, 1), b.integers(0))


@lowers("SumAll", onnx="masked ReduceSum in float64")
def lower_sum_all(ctx: Lowering, node: Node) -> ir.Value:
    """The sum of everything."""
    return total(ctx, ctx.value(node.inputs[0]))


@lowers("SquaredError", onnx="Sub, Mul, masked ReduceSum in float64")
def lower_squared_error(ctx: Lowering, node: Node) -> ir.Value:
    """The sum of squared differences: no mean, no half, no root."""
    b, operands = ctx.builder, ctx.operands(node)
    difference = b.op("Sub", *ctx.broadcast(operands))
    return total(ctx, _combined(operands, b.op("Mul", difference, difference)))


@lowers("CrossEntropyWithSoftmax", onnx="LogSoftmax over the flattened sample, Mul, masked ReduceSum in float64")
def lower_cross_entropy(ctx: Lowering, node: Node) -> ir.Value:
    """Minus the sum of label times log softmax."""
    b, operands = ctx.builder, [flattened(ctx, operand) for operand in ctx.operands(node)]
    logarithm = b.op("LogSoftmax", operands[0].value, axis=-1)
    prediction = Lowered(logarithm, operands[0].type, operands[0].extent)
    product = b.op("Mul", *ctx.broadcast([prediction, operands[1]]))
    return b.op("Neg", total(ctx, _combined(operands, product)))


@lowers(
    "ClassificationError",
    onnx="ArgMax or TopK, comparison, masked ReduceSum",
    exactness="exact; top N of equal scores may differ",
)
def lower_classification_error(ctx: Lowering, node: Node) -> ir.Value:
    """How many samples have their label elsewhere than at the first maximum, or not among the ``topN`` greatest."""
    b, operands = ctx.builder, [flattened(ctx, ctx.value(uid)) for uid in node.inputs[:2]]
    best = attributes.integer(node, "topN", 1 if len(node.inputs) == 2 else None)
    if best < 1:
        raise InvalidGraphError(f"the error among the best {best}; expected 1 at least", node=node.uid)
    label = first_maximum(ctx, operands[1], keep=True)
    if best == 1:
        places = first_maximum(ctx, operands[0], keep=True)
    else:
        _, places = b.ops("TopK", 2, operands[0].value, b.integers(best), axis=-1, largest=1, sorted=1)
    own = ONNX_TYPES[operands[0].type.data_type]
    hit = b.op("Cast", b.op("Equal", places, label), to=int(own))
    missed = b.op("Sub", ctx.like(operands[0], 1.0), b.op("ReduceMax", hit, axes=[-1], keepdims=1))
    return total(ctx, _combined(operands, missed))


@lowers(
    "Logistic",
    onnx="Log of 2yp + 1 - y - p, masked ReduceSum in float64",
    exactness="exact; with weights CNTK counts the padding of ragged batches among the samples, which this does not",
)
def lower_logistic(ctx: Lowering, node: Node) -> ir.Value:
    """Minus the sum of logarithms; with weights, their weighted mean times the number of samples."""
    b, operands = ctx.builder, ctx.operands(node)
    truth = _combined(operands[:2], _log_of_truth(ctx, operands))
    if len(operands) == 2:
        return b.op("Neg", total(ctx, truth))
    weight = operands[2]
    if any(dim != 1 for dim in (*truth.type.shape, *weight.type.shape)):
        raise Refuse(f"weighs {truth.type} with {weight.type}; CNTK has weights for scalar predictions alone")
    weighted = b.op("Mul", *ctx.broadcast([truth, weight]))
    mean = b.op("Div", total(ctx, _combined([truth, weight], weighted)), total(ctx, weight))
    count = b.op("Cast", sample_count(ctx, truth), to=int(ONNX_TYPES[truth.type.data_type]))
    return b.op("Neg", b.op("Mul", mean, count))


def _log_of_truth(ctx: Lowering, operands: list[Lowered]) -> ir.Value:
    """The logarithm of the probability that a prediction p gives to its label y, with CNTK's rule for small numbers."""
    b, one = ctx.builder, ctx.like(operands[0], 1.0)
    prediction, label = ctx.broadcast(operands[:2])
    product = b.op("Mul", label, prediction)
    inner = b.op("Sub", b.op("Add", b.op("Add", product, product), b.op("Sub", one, label)), prediction)
    plain = b.op("Log", inner)
    if ctx.options.plain_math:
        return plain
    tiny = b.op("Less", inner, ctx.like(operands[0], float(SMALLEST_LOG_ARGUMENT)))
    return b.op("Where", tiny, ctx.like(operands[0], float(LOG_OF_NOTHING)), plain)


def _combined(operands: list[Lowered], value: ir.Value) -> Lowered:
    """``value`` computed from ``operands`` sample by sample, with the dynamic axes and the extent of the widest."""
    widest = max(operands, key=lambda operand: operand.type.dynamic_rank)
    rank = max(operand.type.rank for operand in operands)
    ranked = next(operand.type for operand in operands if operand.type.rank == rank)
    return Lowered(value, ranked.with_axes(widest.type.axes), widest.extent)
