"""Pooling: modules, with what their padding cannot say done in front of them."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from bridge.targets.pytorch.expression import Expr, Ref
from bridge.targets.pytorch.members import Member
from bridge.targets.pytorch.registry import translates
from bridge.targets.pytorch.rules.convolution import attribute, compact, optional, padded, symmetric
from bridge.targets.pytorch.rules.owning import constructed
from bridge.targets.pytorch.translation import Translation
from bridge.targets.pytorch.values import TensorValue, Value

Arg = Ref | Expr | Member


def _fitting(pads: list[int], kernel: list[int]) -> list[int] | None:
    """The padding where a pooling module takes it: equal on both sides, at most half a window."""
    padding = symmetric(pads)
    return padding if padding is not None and all(2 * a <= k for a, k in zip(padding, kernel, strict=True)) else None


@translates("MaxPool")
def maximum(t: Translation, node: ir.Node) -> tuple[Value, ...]:
    """The maximum of each window and, where asked for, where it is in the whole tensor."""
    operand = t.tensor(node.inputs[0])
    kernel = list(node.attributes["kernel_shape"].as_ints())
    strides = attribute(node, "strides", [1] * len(kernel))
    pads = attribute(node, "pads", [0] * (2 * len(kernel)))
    padding = _fitting(pads, kernel)
    places: Value | None = None
    if len(node.outputs) > 1:
        t.shared.snippets.add("places_of_maxima")
        around = Expr(f"places_of_maxima({{0}}, {tuple(kernel)}, {tuple(strides)}, {tuple(pads)})", (operand.expr,))
        places = TensorValue(t.bind(around), np.dtype(np.int64), operand.rank)
        if not list(node.outputs[0].uses()):
            return TensorValue(operand.expr, operand.dtype, operand.rank), places
    source: Arg = operand.expr if padding is not None else t.bind(padded(operand.expr, pads, "-math.inf"))
    arguments = (
        ("kernel_size", compact(kernel)),
        *optional([("stride", compact(strides), None), ("padding", compact(padding or [0]), 0)]),
    )
    layer = constructed(t, f"nn.MaxPool{len(kernel)}d", arguments, {}, "pool")
    assert layer is not None
    made = TensorValue(Expr("{0}({1})", (layer, source)), operand.dtype, operand.rank)
    return (made,) if places is None else (made, places)


@translates("AveragePool")
def average(t: Translation, node: ir.Node) -> Value:
    """The mean of each window, padded cells counted or not."""
    operand = t.tensor(node.inputs[0])
    kernel = list(node.attributes["kernel_shape"].as_ints())
    strides = attribute(node, "strides", [1] * len(kernel))
    pads = attribute(node, "pads", [0] * (2 * len(kernel)))
    counted = bool(node.attributes["count_include_pad"].as_int()) if "count_include_pad" in node.attributes else False
    padding = _fitting(pads, kernel)
    if padding is None and not counted:
        t.shared.snippets.add("mean_of_cells")
        made = f"mean_of_cells({{0}}, {tuple(kernel)}, {tuple(strides)}, {tuple(pads)})"
        return TensorValue(Expr(made, (operand.expr,)), operand.dtype, operand.rank)
    source: Arg = operand.expr if padding is not None else t.bind(padded(operand.expr, pads))
    is_padded = padding is not None and any(padding)
    arguments = (
        ("kernel_size", compact(kernel)),
        *optional(
            [
                ("stride", compact(strides), None),
                ("padding", compact(padding or [0]), 0),
                ("count_include_pad", counted or not is_padded, True),
            ]
        ),
    )
    layer = constructed(t, f"nn.AvgPool{len(kernel)}d", arguments, {}, "pool")
    assert layer is not None
    return TensorValue(Expr("{0}({1})", (layer, source)), operand.dtype, operand.rank)


@translates("GlobalAveragePool", "GlobalMaxPool")
def over_all(t: Translation, node: ir.Node) -> Value:
    """One number per channel."""
    operand = t.tensor(node.inputs[0])
    axes = tuple(range(2, operand.rank))
    shown = str(axes[0]) if len(axes) == 1 else f"({', '.join(map(str, axes))})"
    function = "mean" if node.op_type == "GlobalAveragePool" else "amax"
    return TensorValue(Expr(f"{{0:8}}.{function}({shown}, keepdim=True)", (operand.expr,)), operand.dtype, operand.rank)


@translates("MaxRoiPool")
def regions(t: Translation, node: ir.Node) -> Value:
    """The maximum in each cell of a grid over each region."""
    operand, rows = t.tensor(node.inputs[0]), t.tensor(node.inputs[1])
    height, width = node.attributes["pooled_shape"].as_ints()
    scale = node.attributes["spatial_scale"].as_float()
    t.shared.snippets.add("maxima_of_regions")
    made = Expr(f"maxima_of_regions({{0}}, {{1}}, ({height}, {width}), {scale!r})", (operand.expr, rows.expr))
    return TensorValue(made, operand.dtype, 4)
