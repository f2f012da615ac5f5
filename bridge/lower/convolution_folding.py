"""Folds what follows a convolution into it: a bias added per channel, and batch normalisation.

    scale * (conv(x, W) + b - mean) / sqrt(variance + epsilon) + bias  =  conv(x, W * f) + (b - mean) * f + bias,   f = scale /
    sqrt(...)

The convolution before stays where something else reads it, and disappears as dead code otherwise. Weights change by a rounding,
computed in float64, and no further: a factor that is not finite is not folded.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from bridge.lower.builder import Array
from bridge.lower.lowering import Lowering

Doubles = npt.NDArray[np.float64]


def convolution_behind(ctx: Lowering, uid: str) -> ir.Node | None:
    """The Conv that makes ``uid``, when its weights are known, it is float32, and nothing but one node reads it."""
    if not ctx.options.fold or uid in ctx.requested:
        return None
    readers = [node for node in ctx.network.consumers.get(uid, ()) if node.uid in ctx.needed]
    node = ctx.value(uid).value.producer()
    if node is None or node.op_type != "Conv" or len(readers) != 1 or readers[0].inputs.count(uid) != 1:
        return None
    weights = [value for value in node.inputs[1:] if value is not None]
    known = [ctx.builder.known(value) for value in weights]
    return node if all(array is not None and array.dtype == np.float32 for array in known) else None


def with_bias(ctx: Lowering, convolution: ir.Node, bias: Array) -> ir.Value | None:
    """The convolution with ``bias``, one number per channel or one for all, added; ``None`` where that is not what it holds."""
    kernel, own = _weights(ctx, convolution)
    rank = kernel.ndim - 2
    per_channel = bias.size == kernel.shape[0] and bias.shape[-(rank + 1) :] == (kernel.shape[0], *[1] * rank)
    if not per_channel and bias.size != 1:
        return None
    total = own + np.broadcast_to(bias.astype(np.float64).reshape(-1), own.shape)
    return _convolution(ctx, convolution, None, total)


def normalised(ctx: Lowering, convolution: ir.Node, statistics: Sequence[Array], epsilon: float) -> ir.Value | None:
    """The convolution with batch normalisation folded in.

    ``statistics`` are scale, bias, mean and variance, one number per channel.
    """
    kernel, own = _weights(ctx, convolution)
    scale, bias, mean, variance = (array.astype(np.float64).reshape(-1) for array in statistics)
    with np.errstate(all="ignore"):
        factor = scale / np.sqrt(variance + epsilon)
        shift = (own - mean) * factor + bias
    if factor.shape != own.shape or not (np.isfinite(factor).all() and np.isfinite(shift).all()):
        return None
    return _convolution(ctx, convolution, kernel * factor.reshape(-1, *[1] * (kernel.ndim - 1)), shift)


def _weights(ctx: Lowering, convolution: ir.Node) -> tuple[Doubles, Doubles]:
    """Kernel and bias in float64; a convolution without bias has zeros."""
    kernel, *rest = (None if value is None else ctx.builder.known(value) for value in convolution.inputs[1:])
    assert kernel is not None
    bias = rest[0].astype(np.float64) if rest and rest[0] is not None else np.zeros(kernel.shape[0])
    return kernel.astype(np.float64), bias


def _convolution(ctx: Lowering, convolution: ir.Node, kernel: Doubles | None, bias: Doubles) -> ir.Value:
    """The same convolution by other weights."""
    b = ctx.builder
    data, weights = convolution.inputs[0], convolution.inputs[1]
    if kernel is not None:
        weights = b.constant(kernel.astype(np.float32), name=f"{b.scope}/W")
    return b.like(convolution, data, weights, b.constant(bias.astype(np.float32), name=f"{b.scope}/B"))
