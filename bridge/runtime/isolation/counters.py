"""What happened to requests and to workers, counted. Every request ends in exactly one of ``OUTCOMES``."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Final

OUTCOMES: Final = ("answered", "invalid", "late", "failed", "overloaded")
EVENTS: Final = (
    "workers_started",
    "workers_loaded",
    "loads_failed",
    "soft_stops",  # runs that stopped when they were told to
    "hard_kills",  # workers that did not, or not in time
    "crashes",  # workers that ended by themselves, or were killed by others
    "protocol_violations",
    "retries",  # requests that were asked again of another worker, since theirs was lost
)


class Counters:
    """Counts that only grow. All of it may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, name: str) -> None:
        """Count one."""
        with self._lock:
            self._counts[name] += 1

    def snapshot(self) -> Mapping[str, int]:
        """All counts of one moment: ``requests``, the outcomes, which add up to it once all are back, and the events."""
        with self._lock:
            return {name: self._counts[name] for name in ("requests", *OUTCOMES, *EVENTS)}
