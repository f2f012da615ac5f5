"""Element-wise operators: arithmetic, comparisons, selection, and CNTK's own rules at the edges of their domains."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np
import onnx_ir as ir

from bridge.graph import attributes
from bridge.graph.inference.elementwise import IDENTITIES
from bridge.graph.model import NUMPY_TYPES, DataType
from bridge.graph.network import Node
from bridge.lower.builder import Array
from bridge.lower.convolution_folding import convolution_behind, with_bias
from bridge.lower.lowering import ONNX_TYPES, Lowering
from bridge.lower.product_folding import with_more_bias
from bridge.lower.registry import lowers
from bridge.lower.value import Lowered

SMALLEST_LOG_ARGUMENT: Final = np.float32(1e-37)
"""Below this CNTK's Log returns a constant: also for 0 and for negative numbers."""
LOG_OF_NOTHING: Final = np.float32(-85.1)
"""That constant, a float32 also in float64 models."""

_DIRECT: Final = {
    "Negate": "Neg",
    "Abs": "Abs",
    "Floor": "Floor",
    "Exp": "Exp",
    "Tanh": "Tanh",
    "ReLU": "Relu",
    "Sin": "Sin",
    "Cos": "Cos",
}


@lowers(*_DIRECT, onnx="the operator of the same name")
def lower_direct(ctx: Lowering, node: Node) -> ir.Value:
    """Operators that ONNX defines alike and that onnxruntime has in every type."""
    return ctx.builder.op(_DIRECT[node.op], ctx.value(node.inputs[0]).value)


@lowers("Plus", "Minus", "ElementTimes", onnx="Add, Sub, Mul")
def lower_arithmetic(ctx: Lowering, node: Node) -> Lowered:
    """IEEE arithmetic over broadcast operands."""
    operator = {"Plus": "Add", "Minus": "Sub", "ElementTimes": "Mul"}[node.op]
    operands = ctx.operands(node)
    biased = _bias_of_convolution(ctx, node) or _bias_of_product(ctx, node) if node.op == "Plus" else None
    made = ctx.builder.op(operator, *ctx.broadcast(operands)) if biased is None else biased
    sequences = [operand for operand in operands if operand.extent is not None]
    # Zeros in padding survive where every operand has them there.
    clean = len(sequences) == len(operands) and all(operand.clean for operand in sequences)
    return ctx.result(node, made, clean=clean)


def _bias_of_convolution(ctx: Lowering, node: Node) -> ir.Value | None:
    """The convolution before with a constant operand as its bias, where that is what a sum is."""
    for position in (0, 1):
        bias = ctx.builder.known(ctx.value(node.inputs[1 - position]).value)
        data = ctx.value(node.inputs[position]).type
        if bias is None or data.dynamic_rank != 1 or bias.ndim > data.rank:
            continue
        convolution = convolution_behind(ctx, node.inputs[position])
        if convolution is not None:
            return with_bias(ctx, convolution, bias)
    return None


def _bias_of_product(ctx: Lowering, node: Node) -> ir.Value | None:
    """A product with a bias and a constant operand as one sum, where that is what a sum is."""
    for position in (0, 1):
        bias = ctx.builder.known(ctx.value(node.inputs[1 - position]).value)
        if bias is not None and node.inputs[position] not in ctx.requested:
            made = with_more_bias(ctx, ctx.value(node.inputs[position]).value, bias)
            if made is not None:
                return made
    return None


@lowers(*IDENTITIES, onnx="nothing (identity at inference)", structural=True)
def lower_identity(ctx: Lowering, node: Node) -> Lowered:
    """Operators that do nothing at inference, dropout among them: it stays where the result is to be trained."""
    operand = ctx.value(node.inputs[0])
    if node.op != "Dropout" or not ctx.options.for_training:
        return operand
    rate = ctx.builder.constant(attributes.number(node, "dropoutRate", 0.0), np.float32)
    return replace(operand, value=ctx.builder.op("Dropout", operand.value, rate))


@lowers("Cast", onnx="Cast", structural=True)
def lower_cast(ctx: Lowering, node: Node) -> ir.Value:
    """Round to another element type."""
    operand = ctx.value(node.inputs[0])
    wanted = ctx.type_of(node.outputs[0]).data_type
    if wanted is operand.type.data_type:
        return operand.value
    return ctx.builder.op("Cast", operand.value, to=int(ONNX_TYPES[wanted]))


@lowers("Log", onnx="Log under Where: below 1e-37 the result is -85.1")
def lower_log(ctx: Lowering, node: Node) -> ir.Value:
    """Natural logarithm, with CNTK's constant in place of minus infinity and of NaN for negative numbers."""
    b, operand = ctx.builder, ctx.value(node.inputs[0])
    plain = b.op("Log", operand.value)
    if ctx.options.plain_math:
        return plain
    tiny = b.op("Less", operand.value, ctx.like(operand, float(SMALLEST_LOG_ARGUMENT)))
    return b.op("Where", tiny, ctx.like(operand, float(LOG_OF_NOTHING)), plain)


@lowers("Sqrt", onnx="Sqrt of the positive part")
def lower_sqrt(ctx: Lowering, node: Node) -> ir.Value:
    """Square root; 0 for negative numbers and for NaN."""
    b, operand = ctx.builder, ctx.value(node.inputs[0])
    if ctx.options.plain_math:
        return b.op("Sqrt", operand.value)
    zero = ctx.like(operand, 0.0)
    return b.op("Sqrt", b.op("Where", b.op("Greater", operand.value, zero), operand.value, zero))


@lowers("Reciprocal", onnx="Reciprocal under Where: 0 stays 0")
def lower_reciprocal(ctx: Lowering, node: Node) -> ir.Value:
    """1/x, and 0 for 0."""
    b, operand = ctx.builder, ctx.value(node.inputs[0])
    plain = b.op("Reciprocal", operand.value)
    if ctx.options.plain_math:
        return plain
    zero = ctx.like(operand, 0.0)
    return b.op("Where", b.op("Equal", operand.value, zero), zero, plain)


@lowers("StraightThrough", onnx="Where: 1 above 0, else -1")
def lower_straight_through(ctx: Lowering, node: Node) -> ir.Value:
    """1 for positive numbers, -1 for all others, NaN included."""
    b, operand = ctx.builder, ctx.value(node.inputs[0])
    positive = b.op("Greater", operand.value, ctx.like(operand, 0.0))
    return b.op("Where", positive, ctx.like(operand, 1.0), ctx.like(operand, -1.0))


@lowers("Pow", onnx="Pow; where the exponent is no constant natural number, under Where for CNTK's rules at 0 and below")
def lower_pow(ctx: Lowering, node: Node) -> ir.Value:
    """Powers. 0 to a negative power is 0, not infinity; a negative base to anything but an int32 number is NaN."""
    b, operands = ctx.builder, ctx.operands(node)
    base, exponent = ctx.broadcast(operands)
    value = b.op("Pow", base, exponent)
    known = b.known(exponent)
    if ctx.options.plain_math or (known is not None and _natural(known)):
        return value
    zero = ctx.like(operands[0], 0.0)
    vanishes = b.op("And", b.op("Equal", base, zero), b.op("Not", b.op("Equal", exponent, zero)))
    broken = b.op("Not", b.op("Equal", exponent, b.op("Floor", exponent)))
    huge = b.op("Not", b.op("Less", b.op("Abs", exponent), ctx.like(operands[0], _INT32_RANGE)))
    undefined = b.op("And", b.op("Less", base, zero), b.op("Or", broken, huge))
    return b.op("Where", undefined, ctx.like(operands[0], math.nan), b.op("Where", vanishes, zero, value))


def _natural(exponents: Array) -> bool:
    """Whether all exponents are integers for which plain Pow follows CNTK's rules."""
    numbers = np.asarray(exponents, np.float64)
    return bool(np.all((numbers >= 0) & (numbers < _INT32_RANGE) & (numbers == np.floor(numbers))))


_INT32_RANGE: Final = 2.0**31
"""CNTK takes an exponent of this size for no integer."""


@lowers("LogPlus", onnx="Max + Softplus(Min - Max); Softplus alone where an operand is 0")
def lower_log_plus(ctx: Lowering, node: Node) -> ir.Value:
    """log(exp(a) + exp(b)), stable, tiny tails kept."""
    b, operands = ctx.builder, ctx.operands(node)
    for position, operand in enumerate(operands):
        known = b.known(operand.value)
        other = operands[1 - position]
        if known is not None and known.size == 1 and not known.any() and operand.type.rank <= other.type.rank:
            return softplus(ctx, other.value, other.type.data_type)
    left, right = ctx.broadcast(operands)
    greater = b.op("Max", left, right)
    tail = softplus(ctx, b.op("Sub", b.op("Min", left, right), greater), operands[0].type.data_type)
    return b.op("Add", greater, tail)


def softplus(ctx: Lowering, value: ir.Value, data_type: DataType) -> ir.Value:
    """log(1 + exp(x)); onnxruntime has no float64 kernel for Softplus."""
    b = ctx.builder
    if data_type is not DataType.DOUBLE:
        return b.op("Softplus", value)
    one = b.constant(1.0, np.float64)
    zero = b.constant(0.0, np.float64)
    tail = b.op("Log", b.op("Add", one, b.op("Exp", b.op("Neg", b.op("Abs", value)))))
    return b.op("Add", b.op("Max", value, zero), tail)


_COMPARISONS: Final = {
    "Equal": ("Equal", False),
    "NotEqual": ("Equal", True),
    "Less": ("Less", False),
    "LessEqual": ("LessOrEqual", False),
    "Greater": ("Greater", False),
    "GreaterEqual": ("GreaterOrEqual", False),
}


@lowers(*_COMPARISONS, onnx="the comparison, and Cast to the operands' type")
def lower_comparison(ctx: Lowering, node: Node) -> ir.Value:
    """1 or 0 in the operands' type."""
    b, operands = ctx.builder, ctx.operands(node)
    operator, negated = _COMPARISONS[node.op]
    truth = b.op(operator, *ctx.broadcast(operands))
    if negated:
        truth = b.op("Not", truth)
    return b.op("Cast", truth, to=int(ONNX_TYPES[operands[0].type.data_type]))


@lowers("Select", onnx="Where: any condition but 0 selects the second operand")
def lower_select(ctx: Lowering, node: Node) -> ir.Value:
    """Choose element by element; NaN counts as true."""
    b, operands = ctx.builder, ctx.operands(node)
    condition, chosen, other = ctx.broadcast(operands)
    return b.op("Where", truth_of(ctx, condition, operands[0]), chosen, other)


def truth_of(ctx: Lowering, value: ir.Value, operand: Lowered) -> ir.Value:
    """bool: where ``value`` is not 0. A comparison made just before is used as it is."""
    producer = value.producer()
    if producer is not None and producer.op_type == "Cast":
        source = producer.inputs[0]
        before = source.producer() if source is not None else None
        if source is not None and before is not None and before.op_type in _BOOLEAN_OPERATORS:
            return source
    return ctx.builder.op("Not", ctx.builder.op("Equal", value, ctx.like(operand, 0.0)))


_BOOLEAN_OPERATORS: Final = frozenset({"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Not", "And", "Or"})


@lowers("Clip", onnx="Clip for scalar bounds in order, else two Where")
def lower_clip(ctx: Lowering, node: Node) -> ir.Value:
    """Below the lower bound first, then above the upper one, in CNTK's order; NaN stays NaN."""
    b, operands = ctx.builder, ctx.operands(node)
    low, high = (b.known(operand.value) for operand in operands[1:])
    if low is not None and high is not None and low.size == high.size == 1 and low.item() <= high.item():
        dtype = NUMPY_TYPES[operands[0].type.data_type]
        if operands[0].type.rank >= max(operands[1].type.rank, operands[2].type.rank):
            scalars = [b.constant(bound.item(), dtype) for bound in (low, high)]
            return b.op("Clip", operands[0].value, *scalars)
    value, lower, upper = ctx.broadcast(operands)
    capped = b.op("Where", b.op("Greater", value, upper), upper, value)
    return b.op("Where", b.op("Less", value, lower), lower, capped)


@lowers("ConstantOp", onnx="Expand of the fill value to the operand's shape", structural=True)
def lower_constant_like(ctx: Lowering, node: Node) -> ir.Value:
    """A tensor of one number, in the shape of the operand."""
    operand = ctx.value(node.inputs[0])
    return ctx.builder.op("Expand", ctx.like(operand, attributes.number(node, "fillValue")), ctx.shape_vector(operand.value, 0))
