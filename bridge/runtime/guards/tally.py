"""What guards did, counted: by name, and over all models that take each other's place."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(slots=True)
class GuardCounts:
    """What one guard did since it started: requests seen, refused, changed; seconds that it took."""

    seen: int = 0
    refused: int = 0
    changed: int = 0
    seconds: float = 0.0


class GuardTally:
    """Counts that only grow. All of it may be called from any thread."""

    def __init__(self) -> None:
        self._counts: dict[str, GuardCounts] = {}
        self._lock = threading.Lock()

    def begin(self, names: Iterable[str]) -> None:
        """Count guards of these names from now on; those that are counted already go on."""
        with self._lock:
            for name in names:
                self._counts.setdefault(name, GuardCounts())

    def count(self, name: str, seconds: float, *, refused: bool = False, changed: bool = False) -> None:
        """Count one request that the guard ``name`` has seen."""
        with self._lock:
            counts = self._counts[name]
            counts.seen += 1
            counts.refused += refused
            counts.changed += changed
            counts.seconds += seconds

    def of(self, name: str) -> GuardCounts:
        """What the guard ``name`` did so far."""
        with self._lock:
            return replace(self._counts[name])
