"""Where windows lie: the arithmetic of convolution, pooling and unpooling, one axis at a time.

CNTK centres automatic padding by a rule of its own, neither of ONNX's ``SAME_UPPER`` and ``SAME_LOWER``; a window narrower than
its stride then leaves cells at the border out, so that padding may be negative. Everything here is row-major; attributes, which
files hold column-major and shorter than the rank, are completed by CNTK's rule and reversed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from bridge.errors import InvalidGraphError
from bridge.graph import attributes
from bridge.graph.model import FREE, UNKNOWN_SHAPE
from bridge.graph.network import Node

_Item = TypeVar("_Item", int, bool)

MAX_POOLING, AVERAGE_POOLING = 0, 1
"""Values of ``poolingType``."""


@dataclass(frozen=True, slots=True)
class WindowAxis:
    """A window along one axis, in cells.

    ``kernel`` cells wide (``FREE``: as wide as the data, whatever that turns out to be), ``dilation`` apart, moved by ``stride``.
    ``lower`` and ``upper`` are the explicit padding, meaningless where ``auto`` is set. ``ceil``: a last window may hang over.
    """

    kernel: int
    stride: int = 1
    dilation: int = 1
    auto: bool = False
    lower: int = 0
    upper: int = 0
    ceil: bool = False

    @property
    def extent(self) -> int:
        """From the first cell to the last one, both counted."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def is_neutral(self) -> bool:
        """Whether the window changes nothing along this axis."""
        return self.kernel == self.stride == 1 and (self.auto or self.lower == self.upper == 0)

    def positions(self, size: int) -> int:
        """How many windows there are along ``size`` cells; ``FREE`` for ``FREE``, less than 1 where none fits."""
        if self.kernel == FREE:
            return 1
        if size < 0:
            return FREE
        room = size - 1 if self.auto else size + self.lower + self.upper - self.extent
        return (-(-room // self.stride) if self.ceil else room // self.stride) + 1

    def padding(self, size: int) -> tuple[int, int] | None:
        """Cells to add before and behind ``size`` cells for windows at multiples of the stride to be CNTK's; negative: to cut.

        ``None`` where that depends on a size which only the run time knows.
        """
        if self.kernel == FREE:
            return 0, 0
        if size < 0 and self.stride > 1 and (self.auto or self.ceil):
            return None
        last = (self.positions(size) - 1) * self.stride if size >= 0 else 0
        if self.auto:
            # Windows are centred on evenly spaced cells, which leave ``spare`` cells at the borders, half on either side.
            # Negative where the last centre lies beyond the data; C++ division goes towards zero.
            spare = size - 1 - last if size >= 0 else 0
            before = abs(spare) // 2 if spare >= 0 else -(abs(spare) // 2)
            half = (self.extent - 1) // 2
            return half - before, self.extent - 1 - half - (spare - before)
        overhang = last + self.extent - size - self.lower if self.ceil and size >= 0 else 0
        return self.lower, max(self.upper, overhang)

    def missing(self, size: int) -> tuple[int, int]:
        """How many of the first and of the last windows over ``size`` cells lie wholly in the padding."""
        known = self.padding(size)
        assert known is not None
        before = (known[0] - self.extent) // self.stride + 1
        starting_in_data = -(-(size + known[0]) // self.stride)
        return max(before, 0), max(self.positions(size) - starting_in_data, 0)

    def may_miss(self) -> bool:
        """Whether some window over a size that only the run time knows may lie wholly in the padding."""
        if self.kernel == FREE:
            return False
        lower, upper = (self.extent // 2, self.extent // 2) if self.auto else (self.lower, self.upper)
        return lower >= self.extent or upper + (self.stride - 1 if self.ceil else 0) >= self.extent

    def touching(self, size: int) -> WindowAxis:
        """The same windows over ``size`` cells but those that ``missing`` counts, by explicit padding; ``lower`` may be negative.

        Cells behind the last window need no cutting: they are too few for one more.
        """
        known, (before, behind) = self.padding(size), self.missing(size)
        assert known is not None
        last = (self.positions(size) - 1 - behind) * self.stride - known[0]
        lower, upper = known[0] - before * self.stride, max(last + self.extent - size, 0)
        return WindowAxis(self.kernel, self.stride, self.dilation, lower=lower, upper=upper)


def completed(values: Sequence[_Item], filled: int, rank: int, neutral: _Item, source: Sequence[_Item] = ()) -> list[_Item]:
    """A column-major attribute vector, completed to ``rank`` entries as CNTK does it.

    The last entry is repeated up to ``filled`` entries; the rest is taken from ``source`` or, where that ends, ``neutral``.
    """
    result = list(values) if values else [neutral]
    result += [result[-1]] * (filled - len(result))
    while len(result) < rank:
        result.append(source[len(result)] if len(result) < len(source) else neutral)
    return result


def _axes(node: Node, kernel: Sequence[int], filled: int, source: Sequence[int], *, ceil: bool = False) -> tuple[WindowAxis, ...]:
    """The window of ``node`` along each axis, row-major; ``kernel`` and ``source`` (for missing strides) are column-major."""
    rank = len(kernel)

    def numbers(key: str, neutral: int, source: Sequence[int] = ()) -> list[int]:
        found = completed(attributes.integers(node, key, (neutral,)), filled, rank, neutral, source)
        if len(found) > rank or any(item < 0 for item in found):
            raise InvalidGraphError(f"{key} {found} for a window of {rank} dimensions", node=node.uid)
        return found

    strides, dilation = numbers("strides", 1, source), numbers("dilation", 1)
    lower, upper = numbers("lowerPad", 0), numbers("upperPad", 0)
    auto = completed(attributes.flags(node, "autoPadding", (False,)), filled, rank, neutral=False)
    if len(auto) > rank:
        raise InvalidGraphError(f"autoPadding of {len(auto)} axes for a window of {rank} dimensions", node=node.uid)
    if 0 in strides or 0 in dilation:
        raise InvalidGraphError(f"strides {strides} and dilation {dilation}: expected at least 1", node=node.uid)
    columns = range(rank - 1, -1, -1)
    return tuple(WindowAxis(kernel[i], strides[i], dilation[i], auto[i], lower[i], upper[i], ceil) for i in columns)


def convolution_axes(node: Node, weight: Sequence[int], data: Sequence[int]) -> tuple[WindowAxis, ...]:
    """The window of a Convolution over data of static shape ``data``, channel axis first: the weight's last dimensions.

    ``weight`` has one dimension more, for the output maps (transposed: the input channels), or none. Maps may be followed by
    dimensions of 1: CNTK takes further ones for maps along the spatial axes, which none of its engines computes.
    """
    rank = len(data)
    transposed, extra = attributes.flag(node, "transpose", default=False), weight[1 : len(weight) - rank]
    if not rank or len(weight) < rank or any(dim != 1 or transposed for dim in extra):
        raise InvalidGraphError(
            f"convolution of {list(data)} by weights {list(weight)}: expected {rank} or {rank + 1} dimensions", node=node.uid
        )
    kernel = list(reversed(weight))[:rank]
    if any(dim < 1 for dim in weight):
        raise InvalidGraphError(f"weights {list(weight)} of a convolution: every dimension must be known", node=node.uid)
    filled = rank - 1 if transposed else rank
    return _axes(node, kernel, filled, [max(dim, 1) for dim in reversed(data)])


def pooling_axes(node: Node, data: Sequence[int], key: str = "poolingWindowShape") -> tuple[WindowAxis, ...]:
    """The window of a Pooling over data of static shape ``data``: axes that the window does not mention keep their size."""
    rank = len(data)
    stated = attributes.integers(node, key)
    if stated == UNKNOWN_SHAPE:  # everything but the channels
        return (WindowAxis(1), *(WindowAxis(max(dim, FREE)) for dim in data[1:]))
    if not 0 < len(stated) <= rank or any(dim < 1 for dim in stated):
        raise InvalidGraphError(f"{key} {list(stated)} over {rank} dimensions", node=node.uid)
    ceil = attributes.flag(node, "ceilOutDim", default=False)
    return _axes(node, completed(stated, len(stated), rank, 1), len(stated), (), ceil=ceil)


def slid(node: Node, axes: Sequence[WindowAxis], data: Sequence[int]) -> tuple[int, ...]:
    """The number of windows along each axis. Raises ``InvalidGraphError`` where a window is wider than its padded data."""
    for axis, size in zip(axes, data, strict=True):
        room = size if axis.auto else size + axis.lower + axis.upper
        if size >= 0 and axis.kernel != FREE and axis.extent > room:
            raise InvalidGraphError(f"a window of {axis.extent} over {room} cells, padding included", node=node.uid)
    return tuple(axis.positions(size) for axis, size in zip(axes, data, strict=True))
