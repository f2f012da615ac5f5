"""One loaded package in the life of a supervised model: it serves, is replaced, and closes when its last request is back."""

from __future__ import annotations

import threading
from pathlib import Path

from bridge.runtime.served import ServedModel
from bridge.runtime.supervision.breaker import BreakerLimits, CircuitBreaker


class Generation:
    """A model with its breaker, and how many requests are with it. Whoever uses it enters first, and leaves."""

    def __init__(self, model: ServedModel, package: Path, limits: BreakerLimits) -> None:
        self.model = model
        self.package = package
        self.breaker = CircuitBreaker(limits)
        self._empty = threading.Condition()
        self._inside = 0
        self._retired = False

    def enter(self) -> bool:
        """Whether the caller may use the model, and then has to leave."""
        with self._empty:
            if self._retired:
                return False
            self._inside += 1
            return True

    def leave(self) -> None:
        """The caller is done with the model."""
        with self._empty:
            self._inside -= 1
            if not self._inside:
                self._empty.notify_all()

    def retire(self, drain_seconds: float) -> bool:
        """Take no more requests, wait for those that are under way, and close the model; whether all were back in time."""
        with self._empty:
            self._retired = True
            drained = self._empty.wait_for(lambda: not self._inside, drain_seconds)
        self.model.close()
        return drained
