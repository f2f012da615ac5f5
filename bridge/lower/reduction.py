"""ReduceElements over static, batch, sequence or all axes; padded steps never take part."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import onnx_ir as ir

from bridge.graph import attributes
from bridge.graph.inference.reduction import ReducedAxes, reduced_axes
from bridge.graph.model import DataType
from bridge.graph.network import Node
from bridge.lower.lowering import Lowering
from bridge.lower.registry import Refuse, lowers
from bridge.lower.value import Lowered

_OPERATORS: Final = {
    "Sum": "ReduceSum",
    "Plus": "ReduceSum",
    "Mean": "ReduceMean",
    "Max": "ReduceMax",
    "Min": "ReduceMin",
    "Prod": "ReduceProd",
    "LogSum": "ReduceLogSumExp",
}
_IDENTITIES: Final = {"Sum": 0.0, "Plus": 0.0, "Mean": 0.0, "Max": -math.inf, "Min": math.inf, "Prod": 1.0, "LogSum": -math.inf}
_LONG_SUM: Final = 1024
"""Sums over more elements than this, or over an unknown number, run in float64, as CNTK accumulates."""


@lowers("ReduceElements", onnx="Reduce*, ArgMax, ArgMin; long sums in float64", exactness="exact but for NaN and all -inf rows")
def lower_reduce(ctx: Lowering, node: Node) -> ir.Value:
    """Reduce by name."""
    operand = ctx.value(node.inputs[0])
    name = attributes.text(node, "reductionOpName")
    reduced = reduced_axes(node, operand.type.rank)
    reduced = ReducedAxes(
        reduced.static,
        reduced.batch and operand.type.dynamic_rank > 0,
        reduced.sequence and operand.type.is_sequence,
        reduced.keep,
    )
    if name in ("Argmax", "Argmin"):
        return _arg_reduce(ctx, operand, reduced, "ArgMax" if name == "Argmax" else "ArgMin")
    if name not in _OPERATORS:
        raise Refuse(f"the reduction {name!r}; expected one of {', '.join(_OPERATORS)}, Argmax, Argmin")
    if not reduced.static and not reduced.batch and not reduced.sequence:
        return operand.value
    if name == "Mean" and reduced.sequence:
        return _masked_mean(ctx, operand, reduced)
    value = ctx.masked(operand, _IDENTITIES[name]) if reduced.sequence else operand.value
    return _reduce(ctx, operand, value, reduced, _OPERATORS[name])


def _reduce(ctx: Lowering, operand: Lowered, value: ir.Value, reduced: ReducedAxes, operator: str) -> ir.Value:
    """Apply one ONNX reduction; dynamic axes go, static ones stay as 1s where CNTK keeps them."""
    dynamic = operand.type.dynamic_rank
    gone = [axis for axis, is_gone in ((0, reduced.batch), (1, reduced.sequence)) if is_gone]
    axes = [*gone, *(axis + dynamic for axis in reduced.static)]
    count = math.prod(operand.type.shape[axis] for axis in reduced.static)
    is_long = bool(gone) or count > _LONG_SUM or any(operand.type.shape[axis] < 0 for axis in reduced.static)
    if operator in ("ReduceSum", "ReduceMean") and is_long and operand.type.data_type is DataType.FLOAT:
        return _in_double(ctx, lambda wide: _apply(ctx, operator, wide, axes, gone, reduced), value)
    return _apply(ctx, operator, value, axes, gone, reduced)


def _in_double(ctx: Lowering, compute: Callable[[ir.Value], ir.Value], value: ir.Value) -> ir.Value:
    wide = ctx.builder.op("Cast", value, to=int(ir.DataType.DOUBLE))
    return ctx.builder.op("Cast", compute(wide), to=int(ir.DataType.FLOAT))


def _apply(ctx: Lowering, operator: str, value: ir.Value, axes: list[int], gone: list[int], reduced: ReducedAxes) -> ir.Value:
    b = ctx.builder
    keep = int(reduced.keep and bool(reduced.static))
    if operator == "ReduceSum":
        made = b.op(operator, value, b.integers(*axes), keepdims=keep)
    else:
        made = b.op(operator, value, axes=axes, keepdims=keep)
    return b.op("Squeeze", made, b.integers(*gone)) if keep and gone else made


def _masked_mean(ctx: Lowering, operand: Lowered, reduced: ReducedAxes) -> ir.Value:
    """A mean over real steps: the sum of what is real, divided by how much of it there is."""
    b = ctx.builder
    assert operand.extent is not None
    total = _reduce(ctx, operand, ctx.masked(operand), reduced, "ReduceSum")
    own = ir.DataType.DOUBLE if operand.type.data_type is DataType.DOUBLE else ir.DataType.FLOAT
    steps = b.op("Cast", operand.extent.lengths, to=int(own))
    if reduced.batch:
        steps = b.op("ReduceSum", steps, b.integers(0), keepdims=0)
    count = b.op("Mul", steps, b.op("Cast", _static_count(ctx, operand, reduced), to=int(own)))
    left = operand.type.rank - (0 if reduced.keep else len(reduced.static))
    if not reduced.batch and left:
        count = b.op("Unsqueeze", count, b.integers(*range(1, 1 + left)))
    return b.op("Div", total, count)


def _static_count(ctx: Lowering, operand: Lowered, reduced: ReducedAxes) -> ir.Value:
    """int64 scalar: how many static elements one step contributes."""
    b = ctx.builder
    known = b.constant(math.prod(max(operand.type.shape[axis], 1) for axis in reduced.static), np.int64)
    for axis in reduced.static:
        if operand.type.shape[axis] < 0:
            position = axis + operand.type.dynamic_rank
            size = b.op("Squeeze", ctx.shape_vector(operand.value, position, position + 1), b.integers(0))
            known = b.op("Mul", known, size)
    return known


def _arg_reduce(ctx: Lowering, operand: Lowered, reduced: ReducedAxes, operator: str) -> ir.Value:
    """The position of the first extreme, as a number; over several axes in their row-major flattening."""
    b, dynamic = ctx.builder, operand.type.dynamic_rank
    if reduced.batch or reduced.sequence:
        raise Refuse("the position of an extreme over a dynamic axis; CNTK has it for static axes alone")
    value, axis, keep = operand.value, 0, int(reduced.keep)
    if len(reduced.static) == 1:
        axis = reduced.static[0] + dynamic
    elif len(reduced.static) == operand.type.rank:
        value = b.op("Reshape", operand.value, b.integers(*[0] * dynamic, -1))
        axis, keep = dynamic, 0
    else:
        raise Refuse(f"the position of an extreme over {len(reduced.static)} of {operand.type.rank} axes")
    found = b.op(operator, value, axis=axis, keepdims=keep)
    made = b.op("Cast", found, to=int(ir.DataType.DOUBLE if operand.type.data_type is DataType.DOUBLE else ir.DataType.FLOAT))
    if reduced.keep and len(reduced.static) > 1:
        made = b.op("Unsqueeze", made, b.integers(*range(dynamic, dynamic + operand.type.rank)))
    return made
