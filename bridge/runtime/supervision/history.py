"""What was loaded, replaced, refused and fallen back to, and why: the latest of it for status pages, all of it in the log."""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

LOG: Final = logging.getLogger("bridge.runtime")
_KEPT: Final = 200
_AS_WANTED: Final = frozenset({"loaded", "replaced"})


@dataclass(frozen=True, slots=True)
class Event:
    """``kind`` is loaded, replaced, reload refused, rolled back, fallback used, breaker opened, or not drained."""

    time: str
    kind: str
    package: str
    root_digest: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        """The event in JSON's types."""
        return asdict(self)


class History:
    """The latest events, the oldest first. All of it may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: deque[Event] = deque(maxlen=_KEPT)

    def add(self, kind: str, package: str, root_digest: str = "", reason: str = "") -> None:
        """Remember an event, and log it."""
        with self._lock:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            self._events.append(Event(now, kind, package, root_digest, reason))
        level = logging.INFO if kind in _AS_WANTED else logging.WARNING
        # A package's name and an error's sentence come from elsewhere: neither may forge a line.
        LOG.log(level, "%s: %s %s %s", kind, ascii(package), root_digest, ascii(reason))

    def events(self) -> tuple[Event, ...]:
        """What is remembered."""
        with self._lock:
            return tuple(self._events)
