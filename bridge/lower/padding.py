"""Padding for windows: as attributes of the ONNX operator where these can say it, by a Pad in front of it where they cannot.

ONNX attributes know no negative padding (cells left out), and none that depends on sizes at run time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir as ir

from bridge.graph.window import WindowAxis
from bridge.lower.lowering import Lowering


@dataclass(frozen=True, slots=True)
class Fitted:
    """``value [B, C, spatial...]`` with what attributes cannot say done, and the ``pads`` attribute for the rest.

    ``amounts``: what a Pad has added or, where negative, cut: int64 ``[2 * rank]``; ``None`` where there was no need.
    """

    value: ir.Value
    pads: list[int]
    amounts: ir.Value | None = None


def fit(ctx: Lowering, value: ir.Value, window: Sequence[WindowAxis], sizes: Sequence[int], fill: ir.Value) -> Fitted:
    """Fit ``value [B, C, *sizes]`` for ``window``; cells that depend on run-time sizes are filled with the scalar ``fill``."""
    b = ctx.builder
    pairs = [axis.padding(size) for axis, size in zip(window, sizes, strict=True)]
    known = [pair for pair in pairs if pair is not None]
    if len(known) < len(pairs):
        amounts = _run_time_amounts(ctx, value, window, pairs)
        return Fitted(b.op("Pad", value, amounts, fill), [0] * (2 * len(window)), amounts)
    # Cells behind the last window are left out by themselves: they are too few for one more.
    before = [max(pair[0], 0) for pair in known]
    behind = [max(pair[1], 0) for pair in known]
    if ctx.options.for_training:  # PyTorch's layers pad both sides alike.
        behind = [_alike(axis, size, *pair) for axis, size, pair in zip(window, sizes, known, strict=True)]
    pads = before + behind
    cut = [min(pair[0], 0) for pair in known]
    if not any(cut):
        return Fitted(value, pads)
    amounts = b.integers(0, 0, *cut, *[0] * (2 + len(window)))
    return Fitted(b.op("Pad", value, amounts, fill), pads, amounts)


def _alike(axis: WindowAxis, size: int, before: int, behind: int) -> int:
    """Cells to add behind: as many as before, unless that makes a window more or fewer. Strides leave the last cells unread."""
    room = size + before - axis.extent
    same = size >= 0 and before >= 0 and (room + before) // axis.stride == (room + max(behind, 0)) // axis.stride
    return before if same else max(behind, 0)


def _run_time_amounts(
    ctx: Lowering, value: ir.Value, window: Sequence[WindowAxis], pairs: Sequence[tuple[int, int] | None]
) -> ir.Value:
    """What a Pad of ``value`` takes: padding that is known from ``pairs``, the rest from the sizes of ``value``."""
    b = ctx.builder
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
