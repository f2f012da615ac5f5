"""Recurrences: cycles through PastValue and FutureValue."""

from __future__ import annotations

from collections.abc import Collection

from bridge.graph.components import Component
from bridge.lower.lowering import Lowering
from bridge.lower.registry import Refuse


def lower_recurrence(ctx: Lowering, component: Component, wanted: Collection[str]) -> None:
    raise Refuse("recurrence")
