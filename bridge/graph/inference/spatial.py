"""Types of convolution, pooling and their relatives."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.errors import InvalidGraphError
from bridge.graph import attributes
from bridge.graph.inference.rule import Operands, Result, expect_operands, rule
from bridge.graph.model import FREE
from bridge.graph.network import Node
from bridge.graph.types import TensorType
from bridge.graph.window import WindowAxis, convolution_axes, pooling_axes, slid


@rule("Convolution")
def _convolution(node: Node, operands: Operands) -> Result:
    expect_operands(node, 2)
    weight, data = operands
    if weight is None or data is None:
        return None
    if weight.axes:
        raise InvalidGraphError(f"the weights of a convolution have dynamic axes: {weight}", node=node.uid)
    axes = convolution_axes(node, weight.shape, data.shape)
    if attributes.flag(node, "transpose", default=False):
        return data.with_shape(transposed(node, axes, weight.shape, data.shape))
    return data.with_shape(convolved(node, axes, weight.shape, data.shape))


def convolved(node: Node, axes: Sequence[WindowAxis], weight: Sequence[int], data: Sequence[int]) -> tuple[int, ...]:
    """The static shape that a convolution yields: maps times positions along the channels, then the positions along each axis."""
    groups = attributes.integer(node, "groups", 1)
    maps = weight[0] if len(weight) > len(data) else 1
    if groups == 1:
        positions = slid(node, axes, data)
        return (data[0] if data[0] < 0 else maps * positions[0], *positions[1:])
    channels = axes[0].kernel * groups
    if groups < 1 or maps % groups or data[0] not in (channels, FREE):
        raise InvalidGraphError(
            f"{groups} groups of {axes[0].kernel} channels each, {maps} output maps and {data[0]} input channels", node=node.uid
        )
    return (maps, *slid(node, axes[1:], data[1:]))


def transposed(node: Node, axes: Sequence[WindowAxis], weight: Sequence[int], data: Sequence[int]) -> tuple[int, ...]:
    """The static shape that a transposed convolution yields: the one stated, or the smallest that convolves into the data's."""
    inputs = weight[0] if len(weight) > len(data) else 1
    if data[0] not in (inputs, FREE):
        raise InvalidGraphError(f"transposed convolution of {data[0]} channels by weights for {inputs}", node=node.uid)
    stated = tuple(reversed(attributes.integers(node, "outputShape", (0,))))
    if stated and stated[-1] != 0:
        if len(stated) != len(data):
            raise InvalidGraphError(f"outputShape {list(stated)} for data of {len(data)} dimensions", node=node.uid)
        _check_inverse(node, axes[1:], stated[1:], data[1:])
        return stated
    found = (axes[0].kernel, *(_expanded(axis, size) for axis, size in zip(axes[1:], data[1:], strict=True)))
    if any(dim < 1 and dim != FREE for dim in found):
        raise InvalidGraphError(f"transposed convolution of {list(data)} yields {list(found)}", node=node.uid)
    return found


def _expanded(axis: WindowAxis, size: int) -> int:
    if size < 0:
        return FREE
    covered = (size - 1) * axis.stride
    return covered + 1 if axis.auto else covered + axis.kernel - axis.lower - axis.upper


def _check_inverse(node: Node, axes: Sequence[WindowAxis], stated: Sequence[int], data: Sequence[int]) -> None:
    for axis, out, size in zip(axes, stated, data, strict=True):
        if size >= 0 and out >= 0 and axis.positions(out) != size:
            raise InvalidGraphError(
                f"outputShape has {out} cells along an axis, which convolve into {axis.positions(out)}, not {size}", node=node.uid
            )


@rule("Pooling")
def _pooling(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1)
    operand = operands[0]
    if operand is None:
        return None
    if operand.rank == 0:
        raise InvalidGraphError("pooling of a scalar", node=node.uid)
    return operand.with_shape(slid(node, pooling_axes(node, operand.shape), operand.shape))


@rule("Unpooling")
def _unpooling(node: Node, operands: Operands) -> Result:
    expect_operands(node, 2)
    pooled, original = operands
    if pooled is None or original is None:
        return original
    if original.rank == 0:
        raise InvalidGraphError("unpooling into a scalar", node=node.uid)
    axes = pooling_axes(node, original.shape, "unpoolingWindowShape")
    wanted = slid(node, axes, original.shape)
    fits = len(wanted) == pooled.rank and all(a == b or FREE in (a, b) for a, b in zip(wanted, pooled.shape, strict=True))
    if not fits:
        raise InvalidGraphError(f"unpooling of {pooled}: pooling {original} yields {list(wanted)}", node=node.uid)
    return original.with_axes(max(original.axes, pooled.axes, key=len))


@rule("ROIPooling")
def _roi_pooling(node: Node, operands: Operands) -> Result:
    expect_operands(node, 2)
    data, regions = operands
    if data is None or regions is None:
        return None
    grid = attributes.integers(node, "roiOutputShape")
    if data.rank != 3 or regions.rank != 2 or regions.shape[1] not in (4, FREE) or len(grid) != 2 or min(grid) < 1:
        raise InvalidGraphError(
            f"pooling of {regions} regions (R, 4) of {data} (C, H, W) to a grid {list(grid)} (w, h)", node=node.uid
        )
    width, height = grid
    if any(0 <= size < cells for size, cells in zip(data.shape[1:], (height, width), strict=True)):
        raise InvalidGraphError(
            f"a grid of {height} by {width} cells over {data}: expected an image as large at least", node=node.uid
        )
    axes = max(data.axes, regions.axes, key=len)
    return data.with_shape((regions.shape[0], data.shape[0], height, width)).with_axes(axes)


@rule("Crop")
def _crop(node: Node, operands: Operands) -> Result:
    expect_operands(node, 2, 4)
    data, reference = operands[:2]
    if data is None or reference is None:
        return data
    if data.rank < 2 or reference.rank < 2:
        raise InvalidGraphError(f"crop of {data} to {reference}: both need a height and a width", node=node.uid)
    return data.with_shape((*data.shape[:-2], *reference.shape[-2:]))


@rule("ConvolutionSequenceShape")
def _convolution_sequence_shape(node: Node, operands: Operands) -> Result:
    expect_operands(node, 2)
    weight, data = operands
    if weight is None or data is None:
        return None
    if not data.is_sequence:
        raise InvalidGraphError(f"the second operand has no sequence axis: {data}", node=node.uid)
    time_axis(node, weight, data)
    return data.with_shape((1,)).with_axes(data.axes[:1])


def time_axis(node: Node, weight: TensorType, data: TensorType) -> WindowAxis:
    """The window of a sequence convolution along time, which is the slowest axis behind the channels."""
    if data.rank < 1:
        raise InvalidGraphError(f"convolution over the sequence axis of {data}, which has no channel axis", node=node.uid)
    return convolution_axes(node, weight.shape, (data.shape[0], FREE, *data.shape[1:]))[1]
