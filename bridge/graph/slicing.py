"""CNTK's slice conventions, shared by type inference and lowering.

A slice is half-open, ``begin`` below 0 counts from the end, ``end`` at or below 0 counts from the end too (0 is the end). With a
negative stride the walk goes *down* from ``end - 1`` to ``begin``.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors import InvalidGraphError
from bridge.graph import attributes
from bridge.graph.model import FREE, Axis
from bridge.graph.network import Node


@dataclass(frozen=True, slots=True)
class Slice:
    """One sliced axis as ONNX states it: row-major ``axis``, ``start``, ``stop``, ``step``; the new ``length``, or ``FREE``."""

    axis: int
    start: int
    stop: int
    step: int
    length: int


BEFORE_FIRST = -(1 << 31)
"""A ``stop`` that lies before element 0 when walking down, whatever the size of the axis."""


def slices(node: Node, shape: tuple[int, ...]) -> list[Slice]:
    """The slices of a Slice node over an operand of static row-major ``shape``."""
    if "axisVec" in node.attributes:
        begins, ends = attributes.integers(node, "beginIndexVec"), attributes.integers(node, "endIndexVec")
        stated = attributes.axes(node)
        strides = attributes.integers(node, "sliceStridesVec", (1,) * len(stated))
        if not len(begins) == len(ends) == len(strides) == len(stated):
            raise InvalidGraphError("the vectors of a Slice have different lengths", node=node.uid)
    else:
        stated = (attributes.axis(node),)
        begins, ends = (attributes.integer(node, "beginIndex"),), (attributes.integer(node, "endIndex"),)
        strides = (attributes.integer(node, "sliceStrides", 1),)
    return [_slice(node, shape, *parts) for parts in zip(stated, begins, ends, strides, strict=True)]


def _slice(node: Node, shape: tuple[int, ...], axis: Axis, begin: int, end: int, stride: int) -> Slice:
    row = attributes.row_major(node, axis, len(shape))
    size = shape[row]
    if stride == 0:
        raise InvalidGraphError("a slice with stride 0", node=node.uid)
    if size < 0:
        return _slice_of_free(row, begin, end, stride)
    first = begin + size if begin < 0 else begin
    last = end + size if end <= 0 else end
    if not 0 <= first < last <= size:
        raise InvalidGraphError(f"slice [{begin}, {end}) of an axis of {size} elements", node=node.uid)
    length = -(-(last - first) // abs(stride))
    if stride > 0:
        return Slice(row, first, last, stride, length)
    return Slice(row, last - 1, first - 1 if first > 0 else BEFORE_FIRST, stride, length)


def _slice_of_free(row: int, begin: int, end: int, stride: int) -> Slice:
    """Bounds relative to the end stay relative; the length is known when both count from the same side."""
    same_side = (begin >= 0) == (end > 0)
    length = -(-(end - begin) // abs(stride)) if same_side and end != begin else FREE
    if stride > 0:
        return Slice(row, begin, end if end != 0 else (1 << 31) - 1, stride, length)
    return Slice(row, end - 1, begin - 1 if begin > 0 else BEFORE_FIRST if begin == 0 else begin - 1, stride, length)
