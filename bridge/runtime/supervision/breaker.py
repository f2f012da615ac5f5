"""The circuit breaker: a model that fails again and again is left alone for a while, and then tried with one request."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class BreakerState(Enum):
    """``CLOSED`` lets requests pass; ``OPEN`` none; ``HALF_OPEN`` one, on whose outcome the next state depends."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    """The breaker opens after ``failures`` within ``window_seconds``, and lets one request try after ``open_seconds``."""

    failures: int = 5
    window_seconds: float = 30.0
    open_seconds: float = 5.0


class CircuitBreaker:
    """One model's breaker. All of it may be called from any thread; ``clock`` is in seconds and never goes back."""

    def __init__(self, limits: BreakerLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: deque[float] = deque(maxlen=limits.failures)
        self._open_until: float | None = None
        self._probing = False
        self.openings = 0

    @property
    def state(self) -> BreakerState:
        """The state of this moment."""
        with self._lock:
            if self._open_until is None:
                return BreakerState.CLOSED
            return BreakerState.OPEN if self._clock() < self._open_until else BreakerState.HALF_OPEN

    def admit(self) -> float | None:
        """``None`` where a request may pass, and its outcome has to be told; otherwise in how many seconds to ask again."""
        with self._lock:
            if self._open_until is None:
                return None
            remaining = self._open_until - self._clock()
            if remaining > 0:
                return remaining
            if self._probing:
                return self._limits.open_seconds
            self._probing = True
            return None

    def succeeded(self) -> None:
        """A request that passed was answered."""
        with self._lock:
            if self._probing or self._open_until is None:
                # Failures stay on the list until they leave the window: a model that fails every other time is not well either.
                self._open_until = None
                self._probing = False

    def failed(self) -> None:
        """A request that passed shows that the model is not well."""
        now = self._clock()
        with self._lock:
            if self._probing:
                self._open(now)
                return
            self._failures.append(now)
            enough = len(self._failures) == self._limits.failures
            if enough and self._open_until is None and now - self._failures[0] <= self._limits.window_seconds:
                self._open(now)

    def undecided(self) -> None:
        """A request that passed says nothing about the model: its inputs were refused, or it was not taken."""
        with self._lock:
            self._probing = False

    def _open(self, now: float) -> None:
        self._open_until = now + self._limits.open_seconds
        self._probing = False
        self._failures.clear()
        self.openings += 1
