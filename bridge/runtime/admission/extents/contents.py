"""Operators over small known values: the arithmetic that shapes are computed with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from bridge.runtime.admission.element_types import ELEMENT_TYPES
from bridge.runtime.admission.extents.known import MOST_CONTENT, Known, broadcast, integers
from bridge.runtime.admission.model import Node

Array = np.ndarray[Any, np.dtype[Any]]

_ELEMENTWISE: Final[Mapping[str, Callable[..., Any]]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Max": np.maximum,
    "Min": np.minimum,
    "Pow": np.power,
    "Equal": np.equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "And": np.logical_and,
    "Or": np.logical_or,
    "Not": np.logical_not,
    "Neg": np.negative,
    "Abs": np.abs,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Where": np.where,
    "Identity": np.asarray,
}

_DIVISIONS: Final = frozenset({"Div", "Mod"})


def content_of(node: Node, inputs: Sequence[Known | None]) -> Array | None:
    """What the node makes, where that follows from contents that are known; ``None`` where it does not."""
    contents = [value.content for value in inputs if value is not None]
    known = [content for content in contents if content is not None]
    if len(known) != len(inputs) or not known:
        return None
    if not _is_small(node, inputs, known):
        return None
    try:
        with np.errstate(all="ignore"):
            made = _computed(node, known)
    except (ValueError, IndexError, TypeError, OverflowError, ArithmeticError, MemoryError):
        return None  # The engine will refuse what makes no sense.
    return made if made is not None and made.size <= MOST_CONTENT else None


def _is_small(node: Node, inputs: Sequence[Known | None], known: Sequence[Array]) -> bool:
    """Whether the result is small, which has to be known before it is computed: small operands may broadcast to any size."""
    if node.operator in _ELEMENTWISE or node.operator in _DIVISIONS:
        shape = broadcast([value.shape for value in inputs if value is not None])
        return shape is not None and Known(shape, 1).least_bytes <= MOST_CONTENT
    return node.operator in _OTHERS and len(known) <= MOST_CONTENT


def _computed(node: Node, known: Sequence[Array]) -> Array | None:
    if node.operator in _ELEMENTWISE:
        made: Array = np.asarray(_ELEMENTWISE[node.operator](*known))
        return made
    if node.operator == "Div":
        return _quotient(known[0], known[1])
    if node.operator == "Mod":
        return _remainder(known[0], known[1])
    return _OTHERS[node.operator](node, known)


def _quotient(dividend: Array, divisor: Array) -> Array | None:
    if dividend.dtype.kind not in "iu":
        return np.asarray(np.divide(dividend, divisor))
    if not divisor.all():
        return None
    # Integers are divided towards zero.
    return np.asarray(np.trunc(dividend / divisor).astype(dividend.dtype))


def _remainder(dividend: Array, divisor: Array) -> Array | None:
    """Of integers, with the sign of the divisor."""
    return np.asarray(np.mod(dividend, divisor)) if dividend.dtype.kind in "iu" and divisor.all() else None


def _cast(node: Node, known: Sequence[Array]) -> Array | None:
    to = node.attribute("to")
    target = ELEMENT_TYPES.get(to.integer) if to is not None else None
    return None if target is None else known[0].astype(target)


def _concat(node: Node, known: Sequence[Array]) -> Array:
    return np.concatenate(list(known), axis=_axis(node, 0))


def _gather(node: Node, known: Sequence[Array]) -> Array | None:
    if known[0].size * max(known[1].size, 1) > MOST_CONTENT * MOST_CONTENT:
        return None
    return np.asarray(np.take(known[0], known[1], axis=_axis(node, 0)))


def _slice(_: Node, known: Sequence[Array]) -> Array | None:
    data, starts, ends = known[0], known[1].reshape(-1), known[2].reshape(-1)
    axes = known[3].reshape(-1) if len(known) > 3 else np.arange(len(starts))
    steps = known[4].reshape(-1) if len(known) > 4 else np.ones(len(starts), np.int64)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if step < 1:
            return None
        index: list[slice] = [slice(None)] * data.ndim
        index[int(axis)] = slice(int(start), int(end), int(step))
        data = data[tuple(index)]
    return data


def _unsqueeze(_: Node, known: Sequence[Array]) -> Array:
    return np.expand_dims(known[0], tuple(int(axis) for axis in known[1].reshape(-1)))


def _squeeze(_: Node, known: Sequence[Array]) -> Array:
    return np.squeeze(known[0], tuple(int(axis) for axis in known[1].reshape(-1)) if len(known) > 1 else None)


def _reshape(_: Node, known: Sequence[Array]) -> Array:
    data = known[0]
    return data.reshape([data.shape[axis] if extent == 0 else int(extent) for axis, extent in enumerate(known[1].reshape(-1))])


def _expand(_: Node, known: Sequence[Array]) -> Array | None:
    shape = broadcast([known[0].shape, tuple(int(extent) for extent in known[1].reshape(-1))])
    if shape is None or Known(shape, 1).least_bytes > MOST_CONTENT:
        return None
    return np.broadcast_to(known[0], tuple(extent or 0 for extent in shape))


def _constant_of_shape(node: Node, known: Sequence[Array]) -> Array | None:
    """The zeros that are the default; another value is not followed."""
    shape = tuple(int(extent) for extent in known[0].reshape(-1))
    if node.attribute("value") is not None or Known(shape, 1).least_bytes > MOST_CONTENT:
        return None
    return np.zeros(shape, np.float32)


def _range(_: Node, known: Sequence[Array]) -> Array | None:
    start, limit, delta = (each.reshape(-1)[0] for each in known)
    if delta == 0 or (float(limit) - float(start)) / float(delta) > MOST_CONTENT:
        return None
    return np.arange(start, limit, delta, dtype=known[0].dtype)


def _reduced(node: Node, known: Sequence[Array]) -> Array | None:
    """A product or sum of all elements, as sizes are computed."""
    if len(known) > 1 or node.attribute("axes") is not None:
        return None
    kept = node.attribute("keepdims")
    keep = kept is None or kept.integer == 1
    made: Array = np.asarray(_REDUCTIONS[node.operator](known[0], keepdims=keep), known[0].dtype)
    return made


def _axis(node: Node, default: int) -> int:
    axis = node.attribute("axis")
    return default if axis is None else axis.integer


_REDUCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "ReduceMax": np.max,
    "ReduceMin": np.min,
    "ReduceProd": np.prod,
    "ReduceSum": np.sum,
}

_OTHERS: Final[Mapping[str, Callable[[Node, Sequence[Array]], Array | None]]] = {
    "Cast": _cast,
    "Concat": _concat,
    "ConstantOfShape": _constant_of_shape,
    "Expand": _expand,
    "Gather": _gather,
    "Range": _range,
    "ReduceMax": _reduced,
    "ReduceMin": _reduced,
    "ReduceProd": _reduced,
    "ReduceSum": _reduced,
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
}


def stated_integers(node: Node, inputs: Sequence[Known | None], position: int, name: str) -> tuple[int, ...] | None:
    """Integers that a node takes as an input, or as an attribute in older operator sets."""
    if len(inputs) > position and inputs[position] is not None:
        return integers(inputs[position])
    attribute = node.attribute(name)
    return None if attribute is None else attribute.integers
