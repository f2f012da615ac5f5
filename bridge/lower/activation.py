"""Activation functions that ONNX and onnxruntime compute differently in some range or type."""

from __future__ import annotations

from typing import Final

import onnx_ir as ir

from bridge.graph.model import DataType
from bridge.graph.network import Node
from bridge.lower.lowering import Lowering
from bridge.lower.registry import lowers

_TAIL_MATTERS: Final = frozenset(
    {"Log", "Reciprocal", "Pow", "LogPlus", "Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual"}
)
"""Consumers that tell a tiny sigmoid from 0."""


@lowers(
    "Sigmoid", "StableSigmoid", onnx="Sigmoid; 1/(1+exp(-x)) where a logarithm or a quotient reads it", exactness="absolute 2e-7"
)
def lower_sigmoid(ctx: Lowering, node: Node) -> ir.Value:
    """1/(1+exp(-x)). onnxruntime's Sigmoid cuts the lower tail off, so it is used only where nothing can see that."""
    b, operand = ctx.builder, ctx.value(node.inputs[0])
    exact = operand.type.data_type is DataType.DOUBLE or _tail_is_read(ctx, node)
    if ctx.options.plain_math or not exact:
        return b.op("Sigmoid", operand.value)
    one = ctx.like(operand, 1.0)
    return b.op("Reciprocal", b.op("Add", one, b.op("Exp", b.op("Neg", operand.value))))


def _tail_is_read(ctx: Lowering, node: Node) -> bool:
    return any(consumer.op in _TAIL_MATTERS for consumer in ctx.consumers(node))


@lowers("ELU", onnx="Elu")
def lower_elu(ctx: Lowering, node: Node) -> ir.Value:
    """x, or exp(x)-1 below 0."""
    b, operand = ctx.builder, ctx.value(node.inputs[0])
    if operand.type.data_type is not DataType.DOUBLE:
        return b.op("Elu", operand.value, alpha=1.0)
    zero = ctx.like(operand, 0.0)
    below = b.op("Sub", b.op("Exp", b.op("Min", operand.value, zero)), ctx.like(operand, 1.0))
    return b.op("Where", b.op("Less", operand.value, zero), below, operand.value)


@lowers(
    "Tan",
    "Sinh",
    "Cosh",
    "Asinh",
    "Atanh",
    onnx="the operator of the same name",
    exactness="exact; float64 by Sin, Cos, Exp, Log",
)
def lower_hyperbolic(ctx: Lowering, node: Node) -> ir.Value:
    """Functions without a float64 kernel: there by the functions that have one."""
    b, operand = ctx.builder, ctx.value(node.inputs[0])
    x = operand.value
    if operand.type.data_type is not DataType.DOUBLE:
        return b.op(node.op, x)
    one, half = ctx.like(operand, 1.0), ctx.like(operand, 0.5)
    if node.op == "Tan":
        return b.op("Div", b.op("Sin", x), b.op("Cos", x))
    if node.op in ("Sinh", "Cosh"):
        combine = "Sub" if node.op == "Sinh" else "Add"
        return b.op("Mul", half, b.op(combine, b.op("Exp", x), b.op("Exp", b.op("Neg", x))))
    if node.op == "Atanh":
        return b.op("Mul", half, b.op("Log", b.op("Div", b.op("Add", one, x), b.op("Sub", one, x))))
    # asinh of the magnitude, then the sign: x + sqrt(x*x+1) loses all digits for large negative x.
    size = b.op("Abs", x)
    root = b.op("Sqrt", b.op("Add", b.op("Mul", x, x), one))
    return b.op("Mul", b.op("Sign", x), b.op("Log", b.op("Add", size, root)))


@lowers("Asin", "Acos", "Atan", onnx="the operator of the same name", exactness="exact; float64 runs in float32")
def lower_arc(ctx: Lowering, node: Node) -> ir.Value:
    """Inverse trigonometric functions; onnxruntime has float32 kernels alone."""
    return ctx.in_float32(node, lambda x: ctx.builder.op(node.op, x), ctx.value(node.inputs[0]).value)
