"""Types of Times and TransposeTimes: the stored left operand is the weight, the right one the data."""

from __future__ import annotations

from bridge.errors import InvalidGraphError
from bridge.graph import attributes
from bridge.graph.inference.rule import Operands, Result, expect_operands, rule
from bridge.graph.network import Node

REDUCE_SEQUENCE_AXIS = -2
"""Value of ``inferInputRankToMap`` that makes Times contract over the sequence axis."""


def contracted_axes(node: Node, weight_rank: int) -> int:
    """How many trailing axes of the data Times contracts with the leading axes of the weight."""
    output_rank = attributes.integer(node, "outputRank", 1)
    if not 0 < output_rank <= max(weight_rank, 1):
        raise InvalidGraphError(f"outputRank {output_rank} of a weight of rank {weight_rank}", node=node.uid)
    return max(weight_rank - output_rank, 0)


@rule("Times")
def _times(node: Node, operands: Operands) -> Result:
    expect_operands(node, 2)
    weight, data = operands
    if weight is None:
        return None
    contracted = contracted_axes(node, weight.rank)
    if data is None:
        return weight.with_shape(weight.shape[contracted:])
    if data.rank < contracted or not _fit(data.shape[data.rank - contracted :], weight.shape[:contracted]):
        raise InvalidGraphError(f"the operands of Times do not fit: {data} and {weight}", node=node.uid)
    axes = max(weight.axes, data.axes, key=len)
    if attributes.integer(node, "inferInputRankToMap", -1) == REDUCE_SEQUENCE_AXIS:
        axes = axes[:1]
    return data.with_shape(data.shape[: data.rank - contracted] + weight.shape[contracted:]).with_axes(axes)


@rule("TransposeTimes")
def _transpose_times(node: Node, operands: Operands) -> Result:
    expect_operands(node, 2)
    weight, data = operands
    if weight is None:
        return None
    rows = weight.shape[0] if weight.rank > 1 else 1
    if weight.rank > 2:
        raise InvalidGraphError(f"the left operand of TransposeTimes has rank {weight.rank}; at most 2 is allowed", node=node.uid)
    if data is None:
        return weight.with_shape((rows,))
    if data.rank < 1 or not _fit(data.shape[-1:], weight.shape[-1:] or (1,)):
        raise InvalidGraphError(f"the operands of TransposeTimes do not fit: {data} and {weight}", node=node.uid)
    return data.with_shape((*data.shape[:-1], rows)).with_axes(max(weight.axes, data.axes, key=len))


def _fit(left: tuple[int, ...], right: tuple[int, ...]) -> bool:
    return len(left) == len(right) and all(a == b or a < 0 or b < 0 for a, b in zip(left, right, strict=True))
