"""Where a Crop without a stated offset cuts: the operators between its operands and their common origin say how they align.

Each operator maps coordinates along the height and width of its operand to its own: convolution and pooling by ``(x - t) / s``,
their transposes by ``s * x + t``, element-wise operators not at all. Composed over both ways to a common origin, the maps tell
where the reference's first cell lies in the operand that is cut.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from bridge.errors import InvalidGraphError
from bridge.graph import attributes
from bridge.graph.inference.elementwise import BINARY, IDENTITIES, TERNARY, UNARY
from bridge.graph.network import Network, Node
from bridge.graph.types import TensorType
from bridge.graph.window import WindowAxis, convolution_axes, pooling_axes

_ALIGNED = frozenset((*UNARY, *IDENTITIES, *BINARY, *TERNARY))
"""Operators whose result lies on every operand cell by cell."""


@dataclass(frozen=True, slots=True)
class AxisMap:
    """``scale * x + shift``: coordinates along one axis."""

    scale: Fraction = Fraction(1)
    shift: Fraction = Fraction(0)

    def after(self, first: AxisMap) -> AxisMap:
        """``first``, then this map."""
        return AxisMap(self.scale * first.scale, self.scale * first.shift + self.shift)

    def inverse(self) -> AxisMap:
        """The way back."""
        return AxisMap(1 / self.scale, -self.shift / self.scale)


Alignment = tuple[AxisMap, AxisMap]
"""Maps of coordinates along the height and along the width."""

_IDENTITY: Alignment = (AxisMap(), AxisMap())

_FARTHEST = 8192
"""Values that are looked at on the way to a common origin; a segmentation network of a hundred layers has a tenth of that."""


def crop_offset(node: Node, network: Network, types: Mapping[str, TensorType]) -> tuple[int, int]:
    """The first row and column of the first operand of a Crop that belong to its result.

    Raises ``InvalidGraphError`` where no offset is stated and none follows from the graph.
    """
    if "offset" in node.attributes:
        return _stated_offset(node)
    from_data = _alignments(node.inputs[0], network, types)
    from_reference = _alignments(node.inputs[1], network, types)
    for uid, reference in from_reference.items():
        twin = node.inputs[2] if len(node.inputs) > 3 and uid == node.inputs[3] else uid
        if twin in from_data:
            pairs = zip(reference, from_data[twin], strict=True)
            return _offset(node, [ours.after(theirs.inverse()) for ours, theirs in pairs])
    raise InvalidGraphError("the operands of a Crop without offset have no common origin", node=node.uid)


def _stated_offset(node: Node) -> tuple[int, int]:
    stated = attributes.integers(node, "offset")
    if len(stated) != 2 or min(stated) < 0:
        raise InvalidGraphError(f"offset {list(stated)}: expected x and y, not negative", node=node.uid)
    return stated[1], stated[0]


def _offset(node: Node, maps: list[AxisMap]) -> tuple[int, int]:
    """The offsets along the height and width, given the maps from the operand that is cut to the reference."""
    if any(axis.scale != 1 or axis.shift > 0 for axis in maps):
        found = ", ".join(f"{axis.scale} * x + {axis.shift}" for axis in maps)
        raise InvalidGraphError(f"the operands of a Crop lie on each other by {found}; expected x - offset", node=node.uid)
    height, width = (int(-axis.shift) for axis in maps)
    return height, width


def _alignments(start: str, network: Network, types: Mapping[str, TensorType]) -> dict[str, Alignment]:
    """How coordinates of what ``start`` comes from map to those of ``start``, nearest values first."""
    found: dict[str, Alignment] = {start: _IDENTITY}
    queue = deque([start])
    while queue and len(found) < _FARTHEST:
        uid = queue.popleft()
        producer = network.producers.get(uid)
        if producer is None:
            continue
        for source, maps in _steps(producer, types):
            if source not in found:
                found[source] = (found[uid][0].after(maps[0]), found[uid][1].after(maps[1]))
                queue.append(source)
    return found


def _steps(node: Node, types: Mapping[str, TensorType]) -> Iterator[tuple[str, Alignment]]:
    """The operands whose coordinates a node passes on, each with the map to the node's own."""
    if node.op in _ALIGNED:
        yield from ((uid, _IDENTITY) for uid in node.inputs)
    elif node.op == "BatchNormalization":
        yield node.inputs[0], _IDENTITY
    elif node.op == "Crop" and "offset" in node.attributes:
        height, width = _stated_offset(node)
        yield node.inputs[0], (AxisMap(shift=Fraction(-height)), AxisMap(shift=Fraction(-width)))
    elif node.op == "Crop":  # it cuts so that its result lies on its reference
        yield node.inputs[1], _IDENTITY
    elif node.op in ("Convolution", "Pooling", "Unpooling"):
        yield from _window_steps(node, types)


def _window_steps(node: Node, types: Mapping[str, TensorType]) -> Iterator[tuple[str, Alignment]]:
    data = node.inputs[1] if node.op == "Convolution" else node.inputs[0]
    result = types.get(node.outputs[0])
    operand = types.get(data)
    if operand is None or result is None or operand.rank < 2:
        return
    backwards = node.op == "Unpooling" or attributes.flag(node, "transpose", default=False)
    wide = result.shape if backwards else operand.shape
    if node.op == "Convolution":
        axes = convolution_axes(node, types[node.inputs[0]].shape, operand.shape)
    else:
        axes = pooling_axes(node, wide, "poolingWindowShape" if node.op == "Pooling" else "unpoolingWindowShape")
    widened = [_widening(axis, size) for axis, size in zip(axes[-2:], wide[-2:], strict=True)]
    if widened[0] is not None and widened[1] is not None:
        yield data, (widened[0], widened[1]) if backwards else (widened[0].inverse(), widened[1].inverse())


def _widening(axis: WindowAxis, size: int) -> AxisMap | None:
    """From windows to the cells in their middle; ``None`` where that depends on a size which only the run time knows."""
    padding = axis.padding(size)
    return None if padding is None else AxisMap(Fraction(axis.stride), Fraction((axis.kernel - 1) // 2 - padding[0]))
