"""Folds batch normalisation of vectors into the product that reads it, and moves the mask of padded steps to a bias.

    (f * x + s) @ W  =  x @ (f[:, None] * W) + s @ W        f = scale / sqrt(variance + epsilon),  s = bias - mean * f

Weights change by a rounding, computed in float64, and no further: what is not finite is not folded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from bridge.graph import attributes
from bridge.graph.model import DataType
from bridge.lower.builder import Array
from bridge.lower.value import Lowered

if TYPE_CHECKING:
    from bridge.lower.lowering import Lowering

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Normalisation:
    """``factor * value(uid) + shift``, per element of a vector."""

    uid: str
    factor: Doubles
    shift: Doubles

    def into(self, weight: Array) -> tuple[Floats, Floats]:
        """The product's weight ``[width, columns]`` and bias ``[columns]`` with the normalisation folded in."""
        exact = weight.astype(np.float64)
        return (self.factor[:, np.newaxis] * exact).astype(np.float32), (self.shift @ exact).astype(np.float32)


def normalisation_behind(ctx: Lowering, uid: str) -> Normalisation | None:
    """The batch normalisation that makes the vector ``uid``, when its statistics are known and it is float32."""
    node = ctx.network.producers.get(uid)
    if not ctx.options.fold or uid in ctx.requested or node is None or node.op != "BatchNormalization":
        return None
    known = ctx.type_of(uid)
    arrays = [ctx.constant_of(parameter) for parameter in node.inputs[1:5]]
    statistics = [np.asarray(array, np.float64).reshape(-1) for array in arrays if array is not None]
    if known.rank != 1 or known.data_type is not DataType.FLOAT or [s.shape for s in statistics] != [known.shape] * 4:
        return None
    scale, bias, mean, variance = statistics
    with np.errstate(all="ignore"):
        factor = scale / np.sqrt(variance + attributes.number(node, "epsilon", 1e-5))
        shift = bias - mean * factor
    return Normalisation(node.inputs[0], factor, shift) if np.isfinite(factor).all() and np.isfinite(shift).all() else None


def normalised_product(ctx: Lowering, data: str, weight: Array) -> ir.Value | None:
    """``data @ weight`` without the batch normalisation that makes ``data``; ``None`` where there is none to fold."""
    found = normalisation_behind(ctx, data)
    if found is None or weight.ndim != 2 or weight.dtype != np.float32:
        return None
    b = ctx.builder
    folded, bias = found.into(weight)
    product = b.op("MatMul", ctx.value(found.uid).value, b.constant(folded, name=f"{b.scope}/W"))
    return b.op("Add", product, b.constant(bias, name=f"{b.scope}/B"))


def with_more_bias(ctx: Lowering, value: ir.Value, bias: Array) -> ir.Value | None:
    """``value + bias`` where ``value`` is a product and a bias already: one Add of both."""
    parts = _product_and_bias(ctx, value)
    if parts is None or not ctx.options.fold or bias.shape != parts[1].shape:
        return None
    return ctx.builder.op("Add", parts[0], ctx.builder.constant(np.add(parts[1], bias, dtype=parts[1].dtype)))


def masked_bias(ctx: Lowering, operand: Lowered, factor: ir.Value) -> ir.Value | None:
    """A product of what is zero on padded steps, plus a bias on real ones: ``factor`` ``[N, T, 1]`` times the bias is a product.

    onnxruntime computes that in a fraction of the time that multiplying the sum by a broadcast mask takes. For training there is
    none of it: the bias is to stay a parameter.
    """
    if ctx.options.for_training:
        return None
    parts = _product_and_bias(ctx, operand.value)
    if parts is None or operand.type.rank != 1 or parts[1].shape != operand.type.shape:
        return None
    product, bias = parts
    node = product.producer()
    assert node is not None
    data, weight = node.inputs
    known = None if weight is None else ctx.builder.known(weight)
    clean = any(other.clean and other.value is data and other.extent is operand.extent for other in ctx.values.values())
    if not clean or known is None or not np.isfinite(known).all():
        return None
    b = ctx.builder
    return b.op("Add", product, b.op("MatMul", factor, b.constant(bias[np.newaxis])))


def _product_and_bias(ctx: Lowering, value: ir.Value) -> tuple[ir.Value, Array] | None:
    """The operands of a sum of a MatMul and a finite constant vector."""
    node = value.producer()
    if node is None or node.op_type != "Add":
        return None
    for product, bias in (node.inputs, reversed(node.inputs)):
        assert product is not None
        assert bias is not None
        known, producer = ctx.builder.known(bias), product.producer()
        if known is None or known.ndim != 1 or producer is None or producer.op_type != "MatMul":
            continue
        return (product, known) if np.isfinite(known).all() else None
    return None
