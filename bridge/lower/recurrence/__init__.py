"""Recurrences: cycles through PastValue and FutureValue.

Each becomes an ONNX LSTM, GRU or RNN where its algebra is that of one, and a Scan otherwise; both give the same numbers.
"""

from __future__ import annotations

from bridge.graph.components import Component
from bridge.graph.model import DataType
from bridge.lower.lowering import Lowering
from bridge.lower.recurrence import stack
from bridge.lower.recurrence.loop import Loop
from bridge.lower.recurrence.packing import lower_as_cell
from bridge.lower.recurrence.scan import lower_as_scan

__all__ = ["lower_recurrence", "stack"]


def lower_recurrence(ctx: Lowering, component: Component) -> None:
    """Lower all nodes of a recurrence. Raises ``Refuse`` for one that no loop over time can express.

    A float16 recurrence runs in float32 as a whole and is rounded where it is read: the runtime has no float16 kernel for any
    part of it.
    """
    last = component.nodes[-1]
    ctx.builder.scope, ctx.builder.origin = last.name or last.uid, last.uid
    uids = [uid for node in component.nodes for uid in node.outputs]
    if not any(ctx.type_of(uid).data_type is DataType.FLOAT16 for uid in uids):
        _lower(ctx, component)
        return
    with ctx.widened():
        _lower(ctx, component)
    for uid in uids:
        if uid in ctx.values:
            ctx.values[uid] = ctx.rounded(uid, ctx.values[uid])
    for node in component.nodes:
        ctx.report.ran_in_float32(node.name or node.uid)


def _lower(ctx: Lowering, component: Component) -> None:
    loop = Loop.read(ctx, component)
    if not lower_as_cell(ctx, loop):
        lower_as_scan(ctx, loop)
