"""Recurrences: cycles through PastValue and FutureValue.

Each becomes an ONNX LSTM, GRU or RNN where its algebra is that of one, and a Scan otherwise; both give the same numbers.
"""

from __future__ import annotations

from bridge.graph.components import Component
from bridge.lower.lowering import Lowering
from bridge.lower.recurrence.loop import Loop
from bridge.lower.recurrence.packing import lower_as_cell
from bridge.lower.recurrence.scan import lower_as_scan

__all__ = ["lower_recurrence"]


def lower_recurrence(ctx: Lowering, component: Component) -> None:
    """Lower all nodes of a recurrence. Raises ``Refuse`` for one that no loop over time can express."""
    ctx.builder.scope = component.nodes[-1].name or component.nodes[-1].uid
    loop = Loop.read(ctx, component)
    if not lower_as_cell(ctx, loop):
        lower_as_scan(ctx, loop)
