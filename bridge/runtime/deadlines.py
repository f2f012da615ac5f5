"""One thread for the whole process that ends runs when their time is over.

A run arms its watch, and disarms it when it is done: two assignments under a lock, no thread of its own, nothing that piles up.
The thread sleeps until the earliest deadline. The engine looks at the flag that it raises between two operators.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from time import monotonic
from typing import Final

_NEVER: Final = float("inf")


class Watch:
    """One run at a time that may take too long. ``expire`` is called once its deadline is over, by the shared thread."""

    __slots__ = ("__weakref__", "deadline", "expire", "expired")

    def __init__(self, expire: Callable[[], None]) -> None:
        self.expire = expire
        self.deadline = _NEVER
        self.expired = False


class DeadlineTimer:
    """Watches runs. All of it may be called from any thread."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._watches: weakref.WeakSet[Watch] = weakref.WeakSet()
        self._waking_at = _NEVER
        self._thread: threading.Thread | None = None

    def add(self, watch: Watch) -> None:
        """Take a watch into care for as long as its owner keeps it."""
        with self._lock:
            self._watches.add(watch)

    def arm(self, watch: Watch, deadline: float) -> None:
        """Let ``watch`` expire at ``deadline``, in seconds of ``time.monotonic``."""
        with self._lock:
            watch.deadline = deadline
            if deadline < self._waking_at:
                self._start()
                self._waking_at = deadline
                self._wake.notify()

    def disarm(self, watch: Watch) -> bool:
        """End the care for the run; whether it had expired. Nothing expires once this has returned."""
        with self._lock:
            watch.deadline = _NEVER
            expired, watch.expired = watch.expired, False
            return expired

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="bridge-deadlines", daemon=True)
            self._thread.start()

    def _watch(self) -> None:
        with self._wake:
            while True:
                now = monotonic()
                if now >= self._waking_at:
                    self._expire(now)
                # A deadline that was disarmed is slept towards all the same: to be woken by every call would cost each of them.
                self._wake.wait(None if self._waking_at == _NEVER else min(self._waking_at - now, threading.TIMEOUT_MAX))

    def _expire(self, now: float) -> None:
        for watch in list(self._watches):
            if watch.deadline <= now:
                watch.deadline = _NEVER
                watch.expired = True
                watch.expire()
        self._waking_at = min((watch.deadline for watch in self._watches), default=_NEVER)


DEADLINES: Final = DeadlineTimer()
"""The timer of this process."""

# A forked process has a copy of the locks, and not the thread.
os.register_at_fork(after_in_child=DEADLINES._reset)  # noqa: SLF001  # The module's own class.
