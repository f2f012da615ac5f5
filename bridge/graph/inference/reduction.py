"""Types of reductions over static, batch, sequence or all axes."""

from __future__ import annotations

import dataclasses

from bridge.errors import InvalidGraphError
from bridge.graph import attributes
from bridge.graph.inference.rule import Operands, Result, expect_operands, rule
from bridge.graph.model import AxisKind
from bridge.graph.network import Node


@dataclasses.dataclass(frozen=True, slots=True)
class ReducedAxes:
    """What a ReduceElements reduces: static axes (row-major), and dynamic axes."""

    static: tuple[int, ...]
    batch: bool = False
    sequence: bool = False
    keep: bool = True


def reduced_axes(node: Node, rank: int) -> ReducedAxes:
    """Read the axes of a ReduceElements over an operand of ``rank`` static dimensions."""
    static: set[int] = set()
    batch = sequence = False
    keep = attributes.flag(node, "reductionKeepDimensions", default=True)
    for stated in attributes.axes(node):
        if stated.kind is AxisKind.ALL:
            return ReducedAxes(tuple(range(rank)), batch=True, sequence=True, keep=keep)
        if stated.kind is AxisKind.ALL_STATIC:
            static.update(range(rank))
        elif stated.kind is AxisKind.BATCH:
            batch = True
        elif stated.kind is AxisKind.SEQUENCE:
            sequence = True
        else:
            static.add(attributes.row_major(node, stated, rank))
    return ReducedAxes(tuple(sorted(static)), batch, sequence, keep)


@rule("ReduceElements")
def _reduce_elements(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1)
    operand = operands[0]
    if operand is None:
        return None
    reduced = reduced_axes(node, operand.rank)
    if reduced.keep:
        shape = tuple(1 if i in reduced.static else dim for i, dim in enumerate(operand.shape))
    else:
        shape = tuple(dim for i, dim in enumerate(operand.shape) if i not in reduced.static)
    if reduced.batch and operand.is_sequence and not reduced.sequence:
        raise InvalidGraphError("a reduction over the batch axis of a sequence", node=node.uid)
    axes = () if reduced.batch else operand.axes[:1] if reduced.sequence else operand.axes
    return operand.with_shape(shape).with_axes(axes)


@rule("SumAll")
def _sum_all(node: Node, operands: Operands) -> Result:
    expect_operands(node, 1)
    return None if operands[0] is None else operands[0].with_shape(()).with_axes(())
