"""Types of operators that rearrange static axes."""

from __future__ import annotations

import math

from bridge.errors import InvalidGraphError
from bridge.graph import attributes
from bridge.graph.inference.rule import Operands, Result, expect_operands, rule
from bridge.graph.model import FREE, Axis, AxisKind
from bridge.graph.network import Node
from bridge.graph.slicing import slices
from bridge.graph.types import TensorType, broadcast_shapes


def replaced_axes(node: Node, rank: int) -> tuple[int, int]:
    """The half-open row-major range of axes that a Reshape replaces."""
    begin = _column_bound(node, "beginAxis", rank, 0)
    end = _column_bound(node, "endAxis", rank, rank)
    if begin > end:
        raise InvalidGraphError(f"Reshape from axis {begin} to axis {end}", node=node.uid)
    return rank - end, rank - begin


def _column_bound(node: Node, key: str, rank: int, default: int) -> int:
    stated = node.attributes.get(key)
    if not isinstance(stated, Axis):
        return default
    if stated.kind is AxisKind.END_STATIC:
        return rank
    if stated.kind is not AxisKind.STATIC:
        raise InvalidGraphError(f"{key} is {stated.kind.value}, expected a static axis", node=node.uid)
    index = stated.index if stated.index >= 0 else rank + stated.index
    if not 0 <= index <= rank:
        raise InvalidGraphError(f"{key} {stated.index} of a tensor of {rank} static dimensions", node=node.uid)
    return index


def reshaped(node: Node, operand: TensorType) -> tuple[int, ...]:
    """The static shape that a Reshape yields, inferred dimension filled in where the sizes are known."""
    first, last = replaced_axes(node, operand.rank)
    replaced = operand.shape[first:last]
    wanted = list(reversed(attributes.integers(node, "newShape")))
    known = math.prod(dim for dim in wanted if dim > 0)
    open_dims = [i for i, dim in enumerate(wanted) if dim <= 0]
    if any(dim < 0 for dim in replaced):
        # A free dimension among the replaced ones: what is left open binds at run time.
        filled = [FREE if dim <= 0 else dim for dim in wanted]
    elif len(open_dims) == 1 and known and math.prod(replaced) % known == 0:
        filled = [math.prod(replaced) // known if dim <= 0 else dim for dim in wanted]
    elif not open_dims and known == math.prod(replaced):
        filled = wanted
    else:
        raise InvalidGraphError(f"{list(replaced)} cannot be reshaped to {wanted}", node=node.uid)
    return (*operand.shape[:first], *filled, *operand.shape[last:])


@rule("Reshape")
def _reshape(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1)
    return None if operands[0] is None else operands[0].with_shape(reshaped(node, operands[0]))


@rule("Slice")
def _slice(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1)
    operand = operands[0]
    if operand is None:
        return None
    shape = list(operand.shape)
    for cut in slices(node, operand.shape):
        shape[cut.axis] = cut.length
    return operand.with_shape(shape)


_SPARE_AXES = 8
"""How far past the slowest axis a TransposeAxes or a Splice may reach; attention over a window goes two past it."""


def transposed_rank(node: Node, rank: int) -> int:
    """The rank of a TransposeAxes: an axis past the slowest one counts as a dimension of 1, which the result keeps."""
    if "axisVec" in node.attributes:
        return rank
    swapped = (attributes.axis(node, name).index for name in ("axis1", "axis2"))
    return max(rank, *(index + 1 for index in swapped if index < rank + _SPARE_AXES), 0)


def permutation(node: Node, rank: int) -> list[int]:
    """The row-major permutation of a TransposeAxes of an operand of ``transposed_rank``, as numpy and ONNX state it."""
    if "axisVec" in node.attributes:
        columns = [rank - 1 - attributes.row_major(node, stated, rank) for stated in attributes.axes(node)]
        if sorted(columns) != list(range(rank)):
            raise InvalidGraphError(f"axisVec {columns} is no permutation of {rank} axes", node=node.uid)
        return [rank - 1 - columns[rank - 1 - row] for row in range(rank)]
    first = attributes.row_major(node, attributes.axis(node, "axis1"), rank)
    second = attributes.row_major(node, attributes.axis(node, "axis2"), rank)
    order = list(range(rank))
    order[first], order[second] = order[second], order[first]
    return order


@rule("TransposeAxes")
def _transpose_axes(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1)
    operand = operands[0]
    if operand is None:
        return None
    rank = transposed_rank(node, operand.rank)
    shape = (*[1] * (rank - operand.rank), *operand.shape)
    return operand.with_shape([shape[axis] for axis in permutation(node, rank)])


def splice_axis(node: Node, rank: int) -> int:
    """The row-major axis along which a Splice of operands of at most ``rank`` dimensions joins them.

    Negative: a new axis in front of so many dimensions less one of 1, as CNTK counts axes that no operand has.
    """
    stated = attributes.axis(node)
    if stated.kind is AxisKind.STATIC and rank <= stated.index < rank + _SPARE_AXES:
        return rank - 1 - stated.index
    return attributes.row_major(node, stated, rank, end=True)


@rule("Splice")
def _splice(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1, 65_536)
    known = [operand for operand in operands if operand is not None]
    if len(known) < len(operands):
        return None
    rank = max(operand.rank for operand in known)
    axis = splice_axis(node, rank)
    if axis < 0:
        rank, axis = rank - axis, 0
    shapes = [(1,) * (rank - operand.rank) + operand.shape for operand in known]
    others = broadcast_shapes([(*shape[:axis], 1, *shape[axis + 1 :]) for shape in shapes])
    if others is None:
        raise InvalidGraphError("the operands of Splice do not fit: " + ", ".join(map(str, known)), node=node.uid)
    joined = [shape[axis] for shape in shapes]
    length = FREE if any(dim < 0 for dim in joined) else sum(joined)
    axes = max((operand.axes for operand in known), key=len)
    return known[0].with_shape((*others[:axis], length, *others[axis + 1 :])).with_axes(axes)


def squeezed_axes(node: Node, shape: tuple[int, ...]) -> list[int]:
    """The row-major axes that a Squeeze removes."""
    if "axisVec" not in node.attributes:
        return [i for i, dim in enumerate(shape) if dim == 1]
    found = sorted(attributes.row_major(node, stated, len(shape)) for stated in attributes.axes(node))
    for axis in found:
        if shape[axis] not in (1, FREE):
            raise InvalidGraphError(f"Squeeze of axis {axis} of {list(shape)}, which is not 1", node=node.uid)
    return found


@rule("Squeeze")
def _squeeze(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1)
    operand = operands[0]
    if operand is None:
        return None
    gone = squeezed_axes(node, operand.shape)
    return operand.with_shape([dim for i, dim in enumerate(operand.shape) if i not in gone])


@rule("Gather")
def _gather(node: Node, operands: Operands) -> Result:
    expect_operands(node, 2)
    indices, reference = operands
    if indices is None or reference is None:
        return None
    if reference.rank < 1:
        raise InvalidGraphError("Gather from a scalar", node=node.uid)
    axes = max(indices.axes, reference.axes, key=len)
    return reference.with_shape(indices.shape + reference.shape[1:]).with_axes(axes)


def one_hot_axis(node: Node, rank: int) -> int:
    """The row-major position of the class axis in the result of a OneHot over an operand of ``rank`` dimensions."""
    if "onehotAxis" not in node.attributes:
        return rank
    return attributes.row_major(node, attributes.axis(node, "onehotAxis"), rank + 1)


@rule("OneHot")
def _one_hot(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1)
    operand = operands[0]
    if operand is None:
        return None
    axis = one_hot_axis(node, operand.rank)
    return operand.with_shape((*operand.shape[:axis], attributes.integer(node, "numClass"), *operand.shape[axis:]))


@rule("EyeLikeOp")
def _eye_like(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1)
    operand = operands[0]
    if operand is not None and (operand.rank + operand.dynamic_rank != 2 or operand.is_sequence):
        raise InvalidGraphError(f"EyeLike of {operand}: expected two static axes, or the batch and one", node=node.uid)
    return operand


@rule("TopK")
def _top_k(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1)
    operand = operands[0]
    if operand is None:
        return None
    items = attributes.integer(node, "numItems")
    if operand.rank < 1 or (operand.shape[-1] >= 0 and not 0 < items <= operand.shape[-1]):
        raise InvalidGraphError(f"the top {items} of {operand}", node=node.uid)
    result = operand.with_shape((*operand.shape[:-1], items))
    return (result, result)


@rule("Pad")
def _pad(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1)
    operand = operands[0]
    if operand is None:
        return None
    head, foot = pad_widths(node, operand.rank)
    return operand.with_shape(
        [d if d < 0 and h + f == 0 else FREE if d < 0 else d + h + f for d, h, f in zip(operand.shape, head, foot, strict=True)]
    )


def pad_widths(node: Node, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """How much a Pad adds before and behind each axis, row-major."""
    head, foot = attributes.integers(node, "paddingHead"), attributes.integers(node, "paddingFoot")
    if not len(head) == len(foot) <= rank:
        raise InvalidGraphError(f"paddings of {len(head)} and {len(foot)} axes for a tensor of rank {rank}", node=node.uid)
    missing = (0,) * (rank - len(head))
    return tuple(reversed(head + missing)), tuple(reversed(foot + missing))
