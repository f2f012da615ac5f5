"""Operators that cut, join, turn or repeat values."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping

from bridge.graph.model import INFERRED, Attributes, Axis, AxisKind, NDShape
from bridge.source.v1.mapping.axes import static_axis
from bridge.source.v1.mapping.builder import Translation
from bridge.source.v1.mapping.rules import ANY, Rule, rule

_SLOWEST_AXIS = Axis(AxisKind.STATIC, -1)
_FIRST_AXIS = Axis(AxisKind.STATIC, 0)
_MOST_AXES = 1 << 16
_NO_OFFSET = sys.float_info.max


def _slice(at: Translation) -> None:
    node = at.node
    axes = tuple(static_axis(at, number) for number in node.integers("axes"))
    begins, ends, strides = node.integers("begins"), node.integers("ends"), node.integers("strides")
    if any(not -(1 << 31) <= number < 1 << 31 for number in (*begins, *ends)):
        raise at.wrong("bounds beyond 32 bits")
    if 0 in strides:
        raise at.wrong("a stride of 0")
    attributes: Attributes
    if len(axes) == 1:
        attributes = {"axis": axes[0], "beginIndex": begins[0], "endIndex": ends[0], "sliceStrides": strides[0]}
    else:
        attributes = {"axisVec": axes, "beginIndexVec": begins, "endIndexVec": ends, "sliceStridesVec": strides}
    at.finish("Slice", at.inputs, attributes)


def _row_stack(at: Translation) -> None:
    at.finish("Splice", at.inputs, {"axis": static_axis(at, at.node.integer("axis"))})


def _row_repeat(at: Translation) -> None:
    """Copies of the value one after the other along the slowest axis."""
    number, builder = at.node.integer("numRepeats"), at.builder
    if number < 1:
        raise at.wrong("expected at least 1 repetition, found 0")
    if number > builder.repeats_left:
        # A number in the file would otherwise make the model as large as it likes.
        at.refuse()
        return
    builder.repeats_left -= number
    at.finish("Splice", at.inputs * number, {"axis": _SLOWEST_AXIS})


def _reshape(at: Translation) -> None:
    """Replaces axes begin to end - 1, counted from 1; a begin below 1 is the first axis, an end below 1 the end of all."""
    dims = at.node.integers("shape")
    if dims.count(0) > 1:
        raise at.wrong("more than one dimension is left open")
    attributes: dict[str, NDShape | Axis] = {"newShape": NDShape(dim or INFERRED for dim in dims)}
    begin, end = at.node.integer("beginAxis"), at.node.integer("endAxis")
    if begin > 1:
        attributes["beginAxis"] = static_axis(at, begin)
    # CNTK 2 saves "to the end" as a number beyond any rank.
    if 0 < end < _MOST_AXES:
        attributes["endAxis"] = Axis(AxisKind.STATIC, end - 1)
    at.finish("Reshape", at.inputs, attributes)


def _legacy_reshape(at: Translation) -> None:
    """A reshape of one sample, if its size stays; with another number of rows it would cut samples up or join them."""
    rows = at.node.integer("rows")
    dims = _image_shape(at, rows)
    leaf = at.leaf(0)
    if leaf is not None and leaf.shape is not None and math.prod(leaf.shape) != rows:
        at.refuse()
        return
    at.finish("Reshape", at.inputs, {"newShape": NDShape(dims)})


def _image_shape(at: Translation, rows: int) -> tuple[int, ...]:
    """The shape stated, completed as CNTK does: at most one of three dimensions may be open; without any, a column."""
    dims = at.node.integers("shape")
    if not dims or not any(dims):
        return (1, rows, 1)
    known = math.prod(dim or 1 for dim in dims)
    if dims.count(0) == 1 and rows % known == 0:
        return tuple(dim or rows // known for dim in dims)
    if 0 in dims or known != rows:
        raise at.wrong(f"shape {list(dims)} does not fit {rows} rows")
    return dims


def _transpose(at: Translation) -> None:
    permutation = at.node.integers("permutation")
    if permutation:
        if sorted(permutation) != list(range(len(permutation))):
            raise at.wrong(f"{list(permutation)} is no permutation of axes")
        at.finish("TransposeAxes", at.inputs, {"axisVec": tuple(Axis(AxisKind.STATIC, number) for number in permutation)})
        return
    axis1, axis2 = (static_axis(at, at.node.integer(key)) for key in ("axis1", "axis2"))
    at.finish("TransposeAxes", at.inputs, {"axis1": axis1, "axis2": axis2})


def _crop(at: Translation) -> None:
    """Both offsets, or neither: then CNTK derives them from the network."""
    offsets = at.node.number("xOffset"), at.node.number("yOffset")
    if len(at.inputs) == 3:
        raise at.wrong("expected 2 or 4 inputs, found 3")
    if _NO_OFFSET in offsets:
        at.finish("Crop", at.inputs)
        return
    # Not-a-number fails both comparisons.
    if not all(0 <= offset < 1 << 31 and offset.is_integer() for offset in offsets):
        raise at.wrong(f"offsets {offsets}: expected whole numbers from 0 on")
    at.finish("Crop", at.inputs, {"offset": tuple(int(offset) for offset in offsets)})


def _diagonal(at: Translation) -> None:
    """The diagonal of a square matrix as a row: every (n+1)th of its elements. Its size must be known, from a leaf."""
    matrix = at.leaf(0)
    if matrix is None or matrix.shape is None or len(matrix.shape) != 2 or matrix.shape[0] != matrix.shape[1]:
        at.refuse()
        return
    size = matrix.shape[0]
    flat = at.step("elements", "Reshape", at.inputs, {"newShape": NDShape((INFERRED,))})
    attributes: Attributes = {"axis": _FIRST_AXIS, "beginIndex": 0, "endIndex": 0, "sliceStrides": size + 1}
    diagonal = at.step("diagonal", "Slice", (flat,), attributes)
    at.finish("Reshape", (diagonal,), {"newShape": NDShape((1, INFERRED))})


SHAPE_RULES: Mapping[str, Rule] = {
    "Slice": rule(1, _slice),
    "RowStack": rule((1, ANY), _row_stack),
    "RowRepeat": rule(1, _row_repeat),
    "Reshape": rule(1, _reshape),
    "LegacyReshape": rule(1, _legacy_reshape),
    "TransposeDimensions": rule(1, _transpose),
    "Crop": rule((2, 4), _crop),
    "Diagonal": rule(1, _diagonal),
}
