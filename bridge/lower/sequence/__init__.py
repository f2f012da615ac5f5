"""Operators that make, drop or walk along sequence axes."""

from __future__ import annotations

from bridge.lower.sequence import delay, packing, reconcile, relabel

__all__ = ["delay", "packing", "reconcile", "relabel"]
