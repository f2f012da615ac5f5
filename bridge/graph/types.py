"""What is known of a value before it exists: element type, static shape, dynamic axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.graph.model import FREE, Axis, AxisKind, DataType


@dataclass(frozen=True, slots=True)
class TensorType:
    """The type of a value.

    ``shape`` is the static shape, row-major, with ``FREE`` for dimensions bound at run time. ``axes`` are the dynamic axes: none,
    the batch axis, or the batch axis and one sequence axis, in this order.
    """

    data_type: DataType
    shape: tuple[int, ...]
    axes: tuple[Axis, ...] = ()

    @property
    def rank(self) -> int:
        """Number of static dimensions."""
        return len(self.shape)

    @property
    def dynamic_rank(self) -> int:
        """Number of leading dimensions that dynamic axes take in the converted model: 0, 1 (``N``) or 2 (``N, T``)."""
        return len(self.axes)

    @property
    def is_sequence(self) -> bool:
        """Whether a sequence axis is among the dynamic axes."""
        return len(self.axes) == 2

    @property
    def has_free(self) -> bool:
        """Whether any static dimension is known at run time only."""
        return any(dim < 0 for dim in self.shape)

    def with_shape(self, shape: Sequence[int]) -> TensorType:
        """The same type over another static shape."""
        return replace(self, shape=tuple(shape))

    def with_axes(self, axes: Sequence[Axis]) -> TensorType:
        """The same type over other dynamic axes."""
        return replace(self, axes=tuple(axes))

    def with_data_type(self, data_type: DataType) -> TensorType:
        """The same type over other elements."""
        return replace(self, data_type=data_type)

    def __str__(self) -> str:
        dims = [axis.name for axis in self.axes] + ["?" if dim == FREE else str(dim) for dim in self.shape]
        return f"{self.data_type.name.lower()}[{', '.join(dims)}]"


def ordered_axes(axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """Dynamic axes with the batch axis first; files hold either order."""
    return tuple(sorted(axes, key=lambda axis: axis.kind is not AxisKind.BATCH))


def common_data_type(types: Sequence[TensorType]) -> DataType:
    """The element type in which operands are combined: that of what varies with the data.

    CNTK's front ends put float32 constants into float64 models (0.5 inside Round, bounds of HardSigmoid) and compute in float64.
    """
    varying = [known for known in types if known.axes] or list(types)
    return max(varying, key=lambda known: _WIDTHS.get(known.data_type, 0)).data_type


def in_one_type(types: Sequence[TensorType]) -> list[TensorType]:
    """The operands of one node as CNTK sees them: what does not vary with the data takes the element type of what does."""
    own = common_data_type(types)
    return [known if known.axes or known.data_type is own else known.with_data_type(own) for known in types]


_WIDTHS = {DataType.FLOAT16: 1, DataType.FLOAT: 2, DataType.DOUBLE: 3}


def broadcast_shapes(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...] | None:
    """The common static shape of element-wise operands, aligned at the last row-major axis; ``None`` when they do not fit.

    free with free or 1 is free; free with another number is that number (it binds to it at run time).
    """
    rank = max((len(shape) for shape in shapes), default=0)
    result: list[int] = []
    for back in range(rank, 0, -1):
        dims = {shape[-back] for shape in shapes if len(shape) >= back} - {1}
        fixed = {dim for dim in dims if dim >= 0}
        if len(fixed) > 1:
            return None
        result.append(fixed.pop() if fixed else FREE if dims else 1)
    return tuple(result)
