"""Padding for windows: as attributes of the ONNX operator where these can say it, by a Pad in front of it where they cannot.

ONNX attributes know no negative padding (cells left out), none that depends on sizes at run time, and pooling none as wide as its
window.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from bridge.graph.window import WindowAxis
from bridge.lower.lowering import Lowering


def pads_attribute(window: Sequence[WindowAxis], sizes: Sequence[int], *, pooling: bool) -> list[int] | None:
    """The ``pads`` of a convolution or pooling over static ``sizes``; ``None`` where an attribute cannot say it."""
    pairs = [axis.padding(size) for axis, size in zip(window, sizes, strict=True)]
    known = [pair for pair in pairs if pair is not None]
    if len(known) < len(pairs):
        return None
    for axis, pair in zip(window, known, strict=True):
        if min(pair) < 0 or (pooling and max(pair) >= axis.extent):
            return None
    return [pair[0] for pair in known] + [pair[1] for pair in known]


def pad_explicitly(
    ctx: Lowering, value: ir.Value, window: Sequence[WindowAxis], sizes: Sequence[int], fill: ir.Value
) -> ir.Value:
    """``value [B, C, *sizes]`` with the padding of ``window`` added, filled with the scalar ``fill``; cut where negative."""
    return ctx.builder.op("Pad", value, padding_amounts(ctx, value, window, sizes), fill)


def padding_amounts(ctx: Lowering, value: ir.Value, window: Sequence[WindowAxis], sizes: Sequence[int]) -> ir.Value:
    """What an ONNX Pad of ``value [B, C, *sizes]`` takes to add, or cut, the padding of ``window``: int64 ``[2 * rank]``."""
    b = ctx.builder
    pairs = [axis.padding(size) for axis, size in zip(window, sizes, strict=True)]
    known = [pair for pair in pairs if pair is not None]
    if len(known) == len(pairs):
        return b.integers(0, 0, *(pair[0] for pair in known), 0, 0, *(pair[1] for pair in known))
    lower, upper = [], []
    for position, (axis, pair) in enumerate(zip(window, pairs, strict=True)):
        if pair is None:
            before, behind = _run_time_padding(ctx, axis, ctx.shape_vector(value, 2 + position, 3 + position))
        else:
            before, behind = b.integers(pair[0]), b.integers(pair[1])
        lower.append(before)
        upper.append(behind)
    neither = b.integers(0, 0)
    return b.op("Concat", neither, *lower, neither, *upper, axis=0)


def _run_time_padding(ctx: Lowering, axis: WindowAxis, size: ir.Value) -> tuple[ir.Value, ir.Value]:
    """``WindowAxis.padding`` of a size (int64 ``[1]``) known at run time, as int64 ``[1]`` each."""
    b = ctx.builder
    stride = b.integers(axis.stride)
    if not axis.auto:
        # The cells behind the last whole window, up to the next multiple of the stride, make room for one more window.
        spare = b.op("Sub", b.integers(axis.extent - axis.lower - axis.upper), size)
        return b.integers(axis.lower), b.op("Add", b.integers(axis.upper), b.op("Mod", spare, stride))
    beyond = b.op("Sub", size, b.integers(1))
    spare = b.op("Mod", beyond, stride)
    if axis.ceil:  # the last centre lies beyond the data unless the stride divides evenly
        spare = b.op("Neg", b.op("Mod", b.op("Neg", beyond), stride))
    before = b.op("Div", spare, b.integers(2))  # towards zero, as C++ divides
    half = (axis.extent - 1) // 2
    lower = b.op("Sub", b.integers(half), before)
    upper = b.op("Sub", b.integers(axis.extent - 1 - half), b.op("Sub", spare, before))
    return lower, upper
