"""Typed access to the attributes of a node, with CNTK's defaults and its reversal of axis order.

Attributes keep the file's column-major order; everything returned here is row-major.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.errors import InvalidGraphError
from bridge.graph.model import Axis, AxisKind, NDShape
from bridge.graph.network import Node


def _wrong(node: Node, key: str, expected: str) -> InvalidGraphError:
    found = type(node.attributes.get(key)).__name__ if key in node.attributes else "nothing"
    return InvalidGraphError(f"attribute {key!r} of {node.op}: expected {expected}, found {found}", node=node.uid)


def integer(node: Node, key: str, default: int | None = None) -> int:
    """An integer attribute."""
    value = node.attributes.get(key, default)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _wrong(node, key, "an integer")


def number(node: Node, key: str, default: float | None = None) -> float:
    """A floating-point attribute (integers are accepted)."""
    value = node.attributes.get(key, default)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    raise _wrong(node, key, "a number")


def flag(node: Node, key: str, *, default: bool) -> bool:
    """A boolean attribute."""
    value = node.attributes.get(key, default)
    if isinstance(value, bool):
        return value
    raise _wrong(node, key, "true or false")


def text(node: Node, key: str, default: str | None = None) -> str:
    """A string attribute."""
    value = node.attributes.get(key, default)
    if isinstance(value, str):
        return value
    raise _wrong(node, key, "a string")


def vector(node: Node, key: str) -> tuple[object, ...]:
    """A vector attribute, in the file's order."""
    value = node.attributes.get(key)
    if isinstance(value, tuple) and not isinstance(value, NDShape):
        return value
    raise _wrong(node, key, "a vector")


def integers(node: Node, key: str, default: Sequence[int] | None = None) -> tuple[int, ...]:
    """A vector of integers or a shape, in the file's (column-major) order."""
    value = node.attributes.get(key)
    if value is None and default is not None:
        return tuple(default)
    if isinstance(value, tuple) and all(isinstance(item, int) for item in value):
        return tuple(int(item) for item in value if isinstance(item, int))
    raise _wrong(node, key, "a shape or a vector of integers")


def flags(node: Node, key: str, default: Sequence[bool] | None = None) -> tuple[bool, ...]:
    """A vector of booleans, in the file's (column-major) order."""
    value = node.attributes.get(key)
    if value is None and default is not None:
        return tuple(default)
    if isinstance(value, tuple) and all(isinstance(item, bool) for item in value):
        return tuple(bool(item) for item in value)
    raise _wrong(node, key, "a vector of true or false")


def axis(node: Node, key: str = "axis") -> Axis:
    """An axis attribute as the file states it."""
    value = node.attributes.get(key)
    if isinstance(value, Axis):
        return value
    raise _wrong(node, key, "an axis")


def axes(node: Node, vector_key: str = "axisVec", single_key: str = "axis") -> tuple[Axis, ...]:
    """The axes of an operator that stores a vector of them, or a single one; the vector wins."""
    if vector_key in node.attributes:
        found = tuple(item for item in vector(node, vector_key) if isinstance(item, Axis))
        if len(found) != len(vector(node, vector_key)):
            raise _wrong(node, vector_key, "a vector of axes")
        return found
    return (axis(node, single_key),)


def row_major(node: Node, stated: Axis, rank: int, *, end: bool = False) -> int:
    """The row-major position of a static axis in a tensor of ``rank`` dimensions.

    ``end`` admits the axis one past the slowest (row-major -1), as Splice and Reshape use it.
    """
    if stated.kind is AxisKind.END_STATIC:
        index = rank
    elif stated.kind is AxisKind.STATIC:
        index = stated.index if stated.index >= 0 else rank + stated.index
    else:
        raise InvalidGraphError(f"a static axis was expected, found {stated.kind.value}", node=node.uid)
    if not 0 <= index < rank + int(end):
        raise InvalidGraphError(f"axis {stated.index} of a tensor of {rank} static dimensions", node=node.uid)
    return rank - 1 - index
