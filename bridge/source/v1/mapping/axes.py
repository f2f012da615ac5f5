"""Axes as v1 numbers them, and names of dynamic axes."""

from __future__ import annotations

from bridge.graph.model import DEFAULT_BATCH_AXIS, DEFAULT_SEQUENCE_AXIS, Axis, AxisKind
from bridge.source.v1.mapping.builder import Translation

_DEFAULT_PREFIX = "*"
_NO_SEQUENCE_PREFIX = "__noSequenceAxis"
_OPERAND_SEQUENCE_AXIS = Axis(AxisKind.SEQUENCE, name="__operandSequence")


def dynamic_axes(name: str) -> tuple[Axis, ...]:
    """The dynamic axes that an axis name of v1 stands for, in the order of a v2 file (sequence, batch).

    Every name, the empty one too, is that of a sequence axis, but for two prefixes.
    """
    if name.startswith(_DEFAULT_PREFIX):
        return (DEFAULT_SEQUENCE_AXIS, DEFAULT_BATCH_AXIS)
    if name.startswith(_NO_SEQUENCE_PREFIX):
        return (DEFAULT_BATCH_AXIS,)
    return (Axis(AxisKind.SEQUENCE, name=name), DEFAULT_BATCH_AXIS)


def static_axis(at: Translation, number: int) -> Axis:
    """The static axis that v1 counts from 1."""
    if not 1 <= number <= at.builder.limits.rank:
        raise at.wrong(f"axis {number}: expected 1 to {at.builder.limits.rank}")
    return Axis(AxisKind.STATIC, number - 1)


def reduction_axis(at: Translation, number: int) -> Axis:
    """An axis of a reduction: 0 all static ones, -1 all, -2 the sequence, -3 the batch, else static and counted from 1."""
    special = {
        0: Axis(AxisKind.ALL_STATIC),
        -1: Axis(AxisKind.ALL),
        -2: _OPERAND_SEQUENCE_AXIS,
        -3: DEFAULT_BATCH_AXIS,
    }
    return special[number] if number in special else static_axis(at, number)
