"""Transposed convolution: ConvTranspose with pads worked out from CNTK's, which apply to the output."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from bridge.graph.network import Node
from bridge.graph.window import WindowAxis
from bridge.lower.lowering import Lowering
from bridge.lower.registry import Refuse


def lower_transposed(
    ctx: Lowering,
    node: Node,
    axes: Sequence[WindowAxis],
    value: ir.Value,
    shape: Sequence[int],
    kernel: ir.Value,
    weight: Sequence[int],
) -> ir.Value:
    """Transposed convolution of ``value [B, *shape]``, channels first, by a kernel of static shape ``weight``.

    ``weight`` is ``(inputs, outputs, kernel...)``, or ``(outputs, kernel...)`` for data of one channel.
    """
    b = ctx.builder
    if len(axes) == 1:
        raise Refuse("transposed convolution of data without spatial axes")
    if len(weight) == len(shape):
        kernel = b.op("Unsqueeze", kernel, b.integers(0))
    result = ctx.type_of(node.outputs[0]).shape
    if result[0] != axes[0].kernel:
        raise Refuse(f"transposed convolution along the channels: weights for {axes[0].kernel} of them yield {result[0]}")
    window = axes[1:]
    lower, end = _margins(window, shape[1:], result[1:])
    extra = [max(-amount, 0) for amount in end]
    by_attributes = min(lower) >= 0 and all(amount < axis.stride for amount, axis in zip(extra, window, strict=True))
    made = b.op(
        "ConvTranspose",
        value,
        kernel,
        kernel_shape=[axis.kernel for axis in window],
        strides=[axis.stride for axis in window],
        pads=[*lower, *(max(amount, 0) for amount in end)] if by_attributes else [0] * (2 * len(window)),
        output_padding=extra if by_attributes else [0] * len(window),
    )
    if by_attributes:
        return made
    amounts = b.integers(0, 0, *(-amount for amount in lower), 0, 0, *(-amount for amount in end))
    return b.op("Pad", made, amounts, b.constant(0.0, np.float32))


def _margins(window: Sequence[WindowAxis], sizes: Sequence[int], result: Sequence[int]) -> tuple[list[int], list[int]]:
    """Cells of the full transposed convolution to cut off before and behind along each axis; negative: to add.

    The padding before is that of the convolution which leads back, from ``result`` to ``sizes``.
    """
    lower, end = [], []
    for axis, size, out in zip(window, sizes, result, strict=True):
        if size < 0:
            # The result follows from the data, so the last centre coincides with the last cell whatever the size.
            before = (axis.kernel - 1) // 2 if axis.auto else axis.lower
            behind = axis.kernel - 1 - before if axis.auto else axis.upper
        else:
            known = axis.padding(out)
            before = known[0] if known is not None else 0
            behind = (size - 1) * axis.stride + axis.kernel - out - before
        lower.append(before)
        end.append(behind)
    return lower, end
