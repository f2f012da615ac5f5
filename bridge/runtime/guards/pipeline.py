"""Guards in order: each sees what those before it have let through."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bridge.errors import GuardRefusedError, InvalidOptionError
from bridge.runtime.guards.guard import Array, Change, Guard, change


@dataclass(frozen=True, slots=True)
class Guarded:
    """The inputs to go on with, and what sanitisers did to them. ``seconds`` by guard."""

    inputs: dict[str, Array]
    changes: tuple[Change, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class GuardCounts:
    """What one guard did since it started: requests seen, refused, changed; seconds that it took."""

    seen: int = 0
    refused: int = 0
    changed: int = 0
    seconds: float = 0.0


class Pipeline:
    """``guards`` in order; may be asked from several threads.

    Names are unique, so that a refusal says whose it is. Raises ``InvalidOptionError`` where they are not.
    """

    def __init__(self, guards: Sequence[Guard]) -> None:
        names = [guard.name for guard in guards]
        if len(set(names)) != len(names):
            raise InvalidOptionError(f"two guards are called {next(name for name in names if names.count(name) > 1)!r}")
        self.guards = tuple(guards)
        self._counts = {name: GuardCounts() for name in names}
        self._lock = threading.Lock()

    def apply(self, inputs: Mapping[str, Array]) -> Guarded:
        """Every guard on its input. Raises the first ``GuardRefusedError``; an input that was not given is passed over."""
        passed, changes, seconds = dict(inputs), [], {}
        for guard in self.guards:
            value = passed.get(guard.input)
            if value is None:
                continue
            started = time.perf_counter()
            try:
                passed[guard.input] = guard.apply(value)
            except GuardRefusedError:
                self._count(guard.name, time.perf_counter() - started, refused=1)
                raise
            seconds[guard.name] = time.perf_counter() - started
            found = change(guard, value, passed[guard.input])
            self._count(guard.name, seconds[guard.name], changed=int(found is not None))
            if found is not None:
                changes.append(found)
        return Guarded(passed, tuple(changes), seconds)

    def counts(self) -> dict[str, GuardCounts]:
        """What each guard did so far, by name."""
        with self._lock:
            return {name: replace(counts) for name, counts in self._counts.items()}

    def _count(self, name: str, seconds: float, *, refused: int = 0, changed: int = 0) -> None:
        with self._lock:
            counts = self._counts[name]
            counts.seen += 1
            counts.refused += refused
            counts.changed += changed
            counts.seconds += seconds
