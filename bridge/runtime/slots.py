"""Places inside the engine: how many calls run at once, how many wait, and what happened to all of them.

A slot belongs to one call at a time, so that what it counts needs no lock. One whose run went on after its caller was released
stays taken until the engine is done with it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from bridge.errors import OverloadedError
from bridge.runtime.deadlines import DEADLINES, Watch
from bridge.runtime.engine import run_options

if TYPE_CHECKING:
    import onnxruntime

COUNTERS: Final = ("runs", "stopped", "left_behind", "failed")
"""Calls that reached the engine; runs that stopped when they were told to; those whose caller was released while they went on;
those that failed otherwise."""


class Slot:
    """One place. ``options`` belong to its present run, ``watch`` ends that run, ``counts`` are of all its runs."""

    __slots__ = ("counts", "options", "thread", "watch")

    def __init__(self) -> None:
        self.options: onnxruntime.RunOptions = run_options()
        self.watch = Watch(self.stop)
        self.thread: RunThread | None = None
        self.counts: dict[str, int] = dict.fromkeys(COUNTERS, 0)
        DEADLINES.add(self.watch)

    def stop(self) -> None:
        """Tell the present run to end at the next operator."""
        self.options.terminate = True

    def run_thread(self) -> RunThread:
        """The slot's own thread, made when it is first needed."""
        if self.thread is None or self.thread.ended:
            self.thread = RunThread()
        return self.thread

    def renew(self) -> None:
        """Make the slot fit for another run, after one that was told to stop."""
        self.options = run_options()


class RunThread:
    """A thread that runs for others, so that a caller can leave while the engine goes on."""

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self.ended = False
        threading.Thread(target=self._serve, name="bridge-run", daemon=True).start()

    def submit(self, work: Callable[[], None]) -> None:
        """Let the thread do ``work``, which handles its own errors."""
        self._work.put(work)

    def end(self) -> None:
        """Let the thread end once it is done."""
        self.ended = True
        self._work.put(None)

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            del work  # Or its arrays would be kept until there is more to do.


class Slots:
    """All places of a model. All of it may be called from any thread."""

    def __init__(self, concurrent: int, waiting: int) -> None:
        self._all = tuple(Slot() for _ in range(concurrent))
        self._free: deque[Slot] = deque(self._all)
        self._changed = threading.Condition(threading.Lock())
        self._waiting_at_most = waiting
        self._waiting = 0
        self._refused = 0

    def take(self, seconds: float) -> Slot:
        """A free slot, after waiting at most ``seconds``. Raises ``OverloadedError`` when too many wait, or for too long."""
        try:
            return self._free.pop()
        except IndexError:
            return self._wait_for_one(seconds)

    def give_back(self, slot: Slot) -> None:
        """Let another call have the slot."""
        self._free.append(slot)
        if self._waiting:
            with self._changed:
                self._changed.notify()

    def _wait_for_one(self, seconds: float) -> Slot:
        until = monotonic() + seconds
        with self._changed:
            if self._waiting >= self._waiting_at_most:
                self._refused += 1
                raise OverloadedError(f"{len(self._all)} calls run and {self._waiting} wait: no more are taken")
            self._waiting += 1
            try:
                while True:
                    try:
                        return self._free.pop()
                    except IndexError:
                        remaining = until - monotonic()
                    if remaining <= 0:
                        self._refused += 1
                        raise OverloadedError(f"no place among {len(self._all)} within {seconds:g} s")
                    self._changed.wait(remaining)
            finally:
                self._waiting -= 1

    def counters(self) -> Mapping[str, int]:
        """What happened so far: ``COUNTERS``, ``overloaded`` calls that found no place, and how many are ``running`` now."""
        counted: dict[str, Any] = {name: sum(slot.counts[name] for slot in self._all) for name in COUNTERS}
        return {**counted, "overloaded": self._refused, "running": len(self._all) - len(self._free)}

    def close(self) -> None:
        """Let the threads of free slots end; the others end with their runs."""
        for slot in self._all:
            if slot.thread is not None:
                slot.thread.end()
