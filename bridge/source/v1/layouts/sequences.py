"""Delays and the other operators over time."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.source.v1.readers import choice, element, flag, i32, text, u64
from bridge.source.v1.record import Field, Layout, Record

DEFAULT_INITIAL_VALUE = 0.1
"""What a delay yields before the first step, where a file does not say."""


def _delay_shape(record: Record) -> None:
    """``shape`` from version 4 on; before it two numbers that say nothing which the inputs do not."""
    if record.version > 3:
        record.fields["shape"] = record.shape("shape")
    else:
        record.cursor.u64("rows")
        record.cursor.u64("columns")


_DELAY: Layout = (
    Field("timeStep", i32),
    _delay_shape,
    Field("initialValue", element, since=2, default=DEFAULT_INITIAL_VALUE),
)

SEQUENCE_LAYOUTS: Mapping[str, Layout] = {
    "PastValue": _DELAY,
    "FutureValue": _DELAY,
    "ToSequence": (Field("axis", text),),
    "UnpackSequence": (Field("paddingValue", element), Field("suppressMask", flag)),
    "OptimizedRNNStack": (
        # A flag, stored as wide as a number.
        Field("bidirectional", choice(u64, 0, 1)),
        Field("numLayers", u64),
        Field("hiddenSize", u64),
        Field("recurrentOp", text),
        Field("axis", choice(i32, -1, 2), since=14),
    ),
}
