"""Operators over shapes: how large each result is at least."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from bridge.runtime.admission.element_types import ELEMENT_TYPES
from bridge.runtime.admission.extents.contents import stated_integers
from bridge.runtime.admission.extents.known import MOST_CONTENT, Extents, Known, broadcast, integers, joined
from bridge.runtime.admission.model import Node

Inputs = Sequence[Known | None]
_Shape = Callable[[Node, Inputs], Extents | None]

_ELEMENTWISE: Final = frozenset(
    """
        Abs Acos Add And Asin Asinh Atan Atanh BatchNormalization Cast Ceil Clip Cos Cosh CumSum Div Elu Equal Exp
    EyeLike Floor     Greater GreaterOrEqual Hardmax Identity Less LessOrEqual Log LogSoftmax Max Min Mod Mul Neg Not
    Or Pow Reciprocal Relu ScatterElements     ScatterND Sigmoid Sign Sin Sinh Softmax Softplus Sqrt Sub Tan Tanh Where
    """.split()
)
"""Results as large as the operands, or as these are when they are broadcast."""

_FIRST_ALONE: Final = frozenset({"BatchNormalization", "Clip", "CumSum", "ScatterElements", "ScatterND"})
_TRUTH: Final = frozenset({"And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "Or"})
_INTEGERS: Final = frozenset({"ArgMax", "ArgMin", "Shape"})


def shape_of(node: Node, inputs: Inputs) -> Extents | None:
    """The shape of the first result, ``None`` where it is not known."""
    if node.operator in _ELEMENTWISE:
        read = inputs[:1] if node.operator in _FIRST_ALONE else inputs
        return broadcast([value.shape for value in read if value is not None]) if read else None
    rule = _RULES.get(node.operator)
    return None if rule is None or not inputs or inputs[0] is None else rule(node, inputs)


def width_of(node: Node, inputs: Inputs) -> int:
    """Bytes per element of the first result."""
    if node.operator in _TRUTH:
        return 1
    if node.operator in _INTEGERS:
        return 8
    if node.operator == "Cast" and (to := node.attribute("to")) is not None and to.integer in ELEMENT_TYPES:
        return ELEMENT_TYPES[to.integer].itemsize
    position = 1 if node.operator == "Where" else 0
    first = inputs[position] if len(inputs) > position else None
    return 4 if first is None else first.width


def _shape(value: Known | None) -> Extents | None:
    return None if value is None else value.shape


def _as_stated(position: int) -> _Shape:
    """The shape is the content of an input."""

    def rule(_: Node, inputs: Inputs) -> Extents | None:
        return _listed(inputs[position]) if len(inputs) > position else None

    return rule


def _listed(value: Known | None) -> Extents | None:
    """A list of integers; of none but its length where the content is not known."""
    stated = integers(value)
    if stated is not None or value is None or value.shape is None or len(value.shape) != 1 or value.shape[0] is None:
        return stated
    return (None,) * value.shape[0] if value.shape[0] <= MOST_CONTENT else None


def _expand(_: Node, inputs: Inputs) -> Extents | None:
    return broadcast([_shape(inputs[0]), _listed(inputs[1])]) if len(inputs) > 1 else None


def _range(_: Node, inputs: Inputs) -> Extents | None:
    contents = [value.content for value in inputs if value is not None]
    if len(contents) != 3:
        return (None,)
    numbers = [float(content.reshape(-1)[0]) for content in contents if content is not None and content.size == 1]
    if len(numbers) != 3 or numbers[2] == 0 or not all(math.isfinite(number) for number in numbers):
        return (None,)
    return (max(0, math.ceil((numbers[1] - numbers[0]) / numbers[2])),)


def _tile(_: Node, inputs: Inputs) -> Extents | None:
    repeats, shape = integers(inputs[1]) if len(inputs) > 1 else None, _shape(inputs[0])
    if repeats is None or shape is None or len(repeats) != len(shape):
        return None
    return tuple(_times(extent, count) for extent, count in zip(shape, repeats, strict=True))


def _one_hot(_: Node, inputs: Inputs) -> Extents | None:
    shape, depth = _shape(inputs[0]), integers(inputs[1]) if len(inputs) > 1 else None
    return None if shape is None or depth is None or len(depth) != 1 else (*shape, depth[0])


def _resize(_: Node, inputs: Inputs) -> Extents | None:
    sizes = integers(inputs[3]) if len(inputs) > 3 else None
    shape, scales = _shape(inputs[0]), inputs[2] if len(inputs) > 2 else None
    if sizes is not None or shape is None or scales is None or scales.content is None or scales.content.size != len(shape):
        return sizes
    factors = [float(factor) for factor in scales.content.reshape(-1)]
    if not all(math.isfinite(factor) and factor >= 0 for factor in factors):
        return None
    return tuple(None if extent is None else int(extent * factor) for extent, factor in zip(shape, factors, strict=True))


def _pad(node: Node, inputs: Inputs) -> Extents | None:
    shape, pads = _shape(inputs[0]), stated_integers(node, inputs, 1, "pads")
    if shape is None or pads is None or len(pads) != 2 * len(shape):
        return None
    return tuple(_plus(extent, pads[axis] + pads[axis + len(shape)]) for axis, extent in enumerate(shape))


def _matmul(_: Node, inputs: Inputs) -> Extents | None:
    left, right = _shape(inputs[0]), _shape(inputs[1]) if len(inputs) > 1 else None
    if left is None or right is None or not left or not right:
        return None
    stacked = broadcast([left[:-2], right[:-2]])
    rows, columns = left[-2:-1], right[-1:] if len(right) > 1 else ()
    return None if stacked is None else (*stacked, *rows, *columns)


def _concat(node: Node, inputs: Inputs) -> Extents | None:
    shapes = [_shape(value) for value in inputs]
    axis, first = node.attribute("axis"), shapes[0]
    known = [shape for shape in shapes if shape is not None]
    if axis is None or first is None or len(known) != len(shapes) or not -len(first) <= axis.integer < len(first):
        return None
    if any(len(shape) != len(first) for shape in known):
        return None
    place = axis.integer % len(first)
    # Extents that are not known count as 1, which they are at least.
    total = sum(1 if shape[place] is None else shape[place] or 0 for shape in known)
    return (*first[:place], total, *first[place + 1 :])


def _gather(node: Node, inputs: Inputs) -> Extents | None:
    data, indices = _shape(inputs[0]), _shape(inputs[1]) if len(inputs) > 1 else None
    axis = node.attribute("axis")
    place = 0 if axis is None else axis.integer
    if data is None or indices is None or not -len(data) <= place < len(data):
        return None
    place %= len(data)
    return (*data[:place], *indices, *data[place + 1 :])


def _gather_nd(node: Node, inputs: Inputs) -> Extents | None:
    data, indices = _shape(inputs[0]), _shape(inputs[1]) if len(inputs) > 1 else None
    shared = node.attribute("batch_dims")
    if data is None or not indices or indices[-1] is None:
        return None
    return (*indices[:-1], *data[(0 if shared is None else shared.integer) + indices[-1] :])


def _transpose(node: Node, inputs: Inputs) -> Extents | None:
    shape, order = _shape(inputs[0]), node.attribute("perm")
    if shape is None:
        return None
    axes = tuple(reversed(range(len(shape)))) if order is None else order.integers
    return tuple(shape[axis] for axis in axes) if sorted(axes) == list(range(len(shape))) else None


def _unsqueeze(node: Node, inputs: Inputs) -> Extents | None:
    shape, axes = _shape(inputs[0]), stated_integers(node, inputs, 1, "axes")
    if shape is None or axes is None:
        return None
    rank = len(shape) + len(axes)
    places = {axis % rank for axis in axes if -rank <= axis < rank}
    rest = iter(shape)
    return tuple(1 if axis in places else next(rest) for axis in range(rank)) if len(places) == len(axes) else None


def _slice(_: Node, inputs: Inputs) -> Extents | None:
    shape, *stated = _shape(inputs[0]), *(_listed(value) for value in inputs[1:3])
    if shape is None or len(stated) != 2 or stated[0] is None or stated[1] is None or len(stated[0]) != len(stated[1]):
        return None
    starts, ends = stated[0], stated[1]
    given = [inputs[place] if len(inputs) > place else None for place in (3, 4)]
    axes = tuple(range(len(starts))) if given[0] is None else integers(given[0])
    steps = (1,) * len(starts) if given[1] is None else _listed(given[1])
    if axes is None or steps is None or not len(axes) == len(steps) == len(starts):
        return (None,) * len(shape)
    made = list(shape)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if not -len(shape) <= axis < len(shape) or step == 0:
            return None
        made[axis] = _part(shape[axis], start, end, step)
    return tuple(made)


def _part(extent: int | None, start: int | None, end: int | None, step: int | None) -> int | None:
    """How much of an axis a slice leaves."""
    if extent is None or start is None or end is None or step is None:
        return None
    return len(range(*slice(start, end, step).indices(extent)))


def _top_k(node: Node, inputs: Inputs) -> Extents | None:
    shape, count, axis = _shape(inputs[0]), integers(inputs[1]) if len(inputs) > 1 else None, node.attribute("axis")
    place = -1 if axis is None else axis.integer
    if not shape or not -len(shape) <= place < len(shape):
        return None
    place %= len(shape)
    return (*shape[:place], count[0] if count is not None and len(count) == 1 else None, *shape[place + 1 :])


def _einsum(node: Node, inputs: Inputs) -> Extents | None:
    """Letters name axes. Those of one name have one extent, or are broadcast."""
    equation = node.attribute("equation")
    operands, _, result = (b"" if equation is None else equation.octets).decode("ascii", "replace").partition("->")
    extents: dict[str, list[int | None]] = {}
    for letters, value in zip(operands.split(","), inputs, strict=False):
        shape = _shape(value)
        if shape is None or len(shape) != len(letters):
            return None
        for letter, extent in zip(letters, shape, strict=True):
            extents.setdefault(letter, []).append(extent)
    return tuple(joined(extents[letter]) for letter in result) if set(result) <= extents.keys() else None


def _squeeze(node: Node, inputs: Inputs) -> Extents | None:
    shape, axes = _shape(inputs[0]), stated_integers(node, inputs, 1, "axes")
    if shape is not None and None not in shape and (len(inputs) < 2 or inputs[1] is None):
        axes = tuple(axis for axis, extent in enumerate(shape) if extent == 1) if axes is None else axes
    if shape is None or axes is None or not all(-len(shape) <= axis < len(shape) for axis in axes):
        return None
    gone = {axis % len(shape) for axis in axes}
    return tuple(extent for axis, extent in enumerate(shape) if axis not in gone)


def _reshape(_: Node, inputs: Inputs) -> Extents | None:
    shape, stated = _shape(inputs[0]), _listed(inputs[1]) if len(inputs) > 1 else None
    if stated is None:
        return None
    if None in stated:
        return stated
    kept = [
        shape[axis] if extent == 0 and shape is not None and axis < len(shape) else extent for axis, extent in enumerate(stated)
    ]
    made = [None if extent is not None and extent < 0 else extent for extent in kept]
    total = math.prod(extent for extent in shape if extent is not None) if shape is not None and None not in shape else None
    if made.count(None) == 1 and total is not None:
        others = math.prod(extent for extent in made if extent is not None)
        made = [total // others if extent is None and others else extent for extent in made]
    return tuple(made)


def _reduce(node: Node, inputs: Inputs) -> Extents | None:
    shape, kept = _shape(inputs[0]), node.attribute("keepdims")
    if shape is None:
        return None
    axis = node.attribute("axis")
    axes = (axis.integer,) if axis is not None else stated_integers(node, inputs, 1, "axes")
    if axes is None and len(inputs) > 1 and inputs[1] is not None:
        return None
    gone = range(len(shape)) if axes is None else {each % len(shape) for each in axes if shape}
    keep = kept is None or kept.integer == 1
    return tuple(1 if place in gone else extent for place, extent in enumerate(shape) if keep or place not in gone)


def _plus(extent: int | None, more: int) -> int | None:
    return None if extent is None else max(0, extent + more)


def _times(extent: int | None, count: int) -> int | None:
    return max(0, count) if extent is None else max(0, extent * count)


_RULES: Final[Mapping[str, _Shape]] = {
    "ConstantOfShape": _as_stated(0),
    "Expand": _expand,
    "Range": _range,
    "Tile": _tile,
    "OneHot": _one_hot,
    "Resize": _resize,
    "Pad": _pad,
    "MatMul": _matmul,
    "Concat": _concat,
    "Gather": _gather,
    "GatherND": _gather_nd,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Reshape": _reshape,
    "TopK": _top_k,
    "Slice": _slice,
    "Einsum": _einsum,
    **dict.fromkeys(("ArgMax", "ArgMin", "ReduceL2", "ReduceLogSumExp", "ReduceMax", "ReduceMean"), _reduce),
    **dict.fromkeys(("ReduceMin", "ReduceProd", "ReduceSum"), _reduce),
}
