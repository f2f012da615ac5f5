"""Convolution and pooling: results whose extents follow from windows, strides and padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bridge.runtime.admission.extents.known import Extents, Known
from bridge.runtime.admission.model import Node

WINDOWED: Final = frozenset(
    {"Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool", "MaxRoiPool"}
)


def window_shape(node: Node, inputs: Sequence[Known | None]) -> Extents | None:
    """The shape of the result ``[N, C, ...]``, ``None`` where it is not known."""
    if not inputs or inputs[0] is None or inputs[0].shape is None or len(inputs[0].shape) < 3:
        return None
    data = inputs[0].shape
    spatial = data[2:]
    if node.operator.startswith("Global"):
        return (*data[:2], *(1 for _ in spatial))
    if node.operator == "MaxRoiPool":
        regions = inputs[1] if len(inputs) > 1 else None
        return (regions.axis(0) if regions is not None else None, data[1], *_integers(node, "pooled_shape", len(spatial), 1))
    weights = inputs[1] if len(inputs) > 1 and node.operator.startswith("Conv") else None
    if node.operator.startswith("Conv") and (weights is None or weights.shape is None or len(weights.shape) != len(data)):
        return None
    kernel = (
        weights.shape[2:]
        if weights is not None and weights.shape is not None
        else _integers(node, "kernel_shape", len(spatial), 1)
    )
    extents = tuple(_extent(node, axis, extent, kernel[axis], len(spatial)) for axis, extent in enumerate(spatial))
    return (data[0], _channels(node, data[1], weights), *extents)


def _channels(node: Node, given: int | None, weights: Known | None) -> int | None:
    if weights is None:
        return given
    if node.operator == "Conv":
        return weights.axis(0)
    group, each = node.attribute("group"), weights.axis(1)
    return None if each is None else each * (1 if group is None else max(1, group.integer))


def _extent(node: Node, axis: int, given: int | None, kernel: int | None, rank: int) -> int | None:
    if given is None or kernel is None:
        return None
    dilation = _integers(node, "dilations", rank, 1)[axis]
    stride = max(1, _integers(node, "strides", rank, 1)[axis])
    pads = _integers(node, "pads", 2 * rank, 0)
    padding, reach = pads[axis] + pads[axis + rank], dilation * (kernel - 1) + 1
    if node.operator == "ConvTranspose":
        return max(0, (given - 1) * stride + reach - padding + _integers(node, "output_padding", rank, 0)[axis])
    return max(0, (given + padding - reach) // stride + 1)


def _integers(node: Node, name: str, count: int, default: int) -> tuple[int, ...]:
    attribute = node.attribute(name)
    return attribute.integers if attribute is not None and len(attribute.integers) == count else (default,) * count
