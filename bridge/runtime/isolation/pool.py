"""The workers of one model: some at work, a spare one ready, lost ones replaced. One thread, the keeper, sees to that.

Callers take a worker, ask it, and hand it back, or say that it is late or lost; whatever takes time (waiting for a run that was
told to stop, killing, closing, making a new worker) the keeper does, so that nobody who has an answer, or an error, waits for it.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from typing import Final

from bridge.errors import BridgeError, ModelFailedError, OverloadedError
from bridge.runtime.isolation.counters import Counters
from bridge.runtime.isolation.limits import IsolationLimits
from bridge.runtime.isolation.worker import KilledWhileLoadingError, StillRunningError, Worker
from bridge.runtime.sandbox.report import SandboxReport

_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 5.0
_FAILURES_THAT_ARE_NO_ACCIDENT: Final = 3
_KILLS_THAT_ARE_NO_ACCIDENT: Final = 10  # as where the system has no memory for the model, and says so in this way


class WorkerPool:
    """Workers made by ``make``. Raises what keeps the first ones from loading; all of it may be called from any thread."""

    def __init__(self, make: Callable[[], Worker], limits: IsolationLimits, waiting: int, counters: Counters) -> None:
        self._make = make
        self._limits = limits
        self._most_waiting = waiting
        self._counters = counters
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._loading: set[Worker] = set()
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._draining: dict[Worker, float] = {}
        self._gone: list[Worker] = []
        self._waiting = 0
        self._failures = 0
        self._kills = 0  # of these failures
        self._failure: BridgeError | None = None
        self._next_start = 0.0
        self._closed = False
        self._keeper = threading.Thread(target=self._keep, name="worker-keeper", daemon=True)
        self._keeper.start()
        self._wait_until_loaded()

    def take(self, deadline: float) -> Worker:
        """A worker that is ready. Raises ``OverloadedError``, ``ModelFailedError``, ``StillRunningError`` at the deadline."""
        with self._changed:
            if self._waiting >= self._most_waiting and not self._free():
                raise OverloadedError(f"{self._waiting} calls wait for a worker already", retry_after=0.1)
            self._waiting += 1
            try:
                while not self._free():
                    self._raise_if_hopeless()
                    remaining = deadline - time.monotonic()
                    if remaining <= 0:
                        raise StillRunningError
                    self._changed.wait(remaining)
                self._raise_if_hopeless()
            finally:
                self._waiting -= 1
            worker = self._idle.pop()
            self._busy.add(worker)
            return worker

    def give_back(self, worker: Worker) -> None:
        """The worker has answered."""
        with self._changed:
            self._busy.discard(worker)
            if self._closed:
                self._gone.append(worker)
                self._wake_keeper()
            else:
                self._idle.append(worker)
                self._changed.notify()

    def drain(self, worker: Worker) -> None:
        """The worker is at a request whose time is over: it is told to stop, and killed unless it does so soon."""
        worker.stop()
        with self._changed:
            self._busy.discard(worker)
            self._draining[worker] = time.monotonic() + self._limits.grace_seconds
            self._changed.notify()
            self._wake_keeper()

    def discard(self, worker: Worker) -> None:
        """The worker is lost, or is not to be trusted any more."""
        worker.kill()
        with self._changed:
            self._busy.discard(worker)
            self._gone.append(worker)
            self._changed.notify()
            self._wake_keeper()

    def sandbox(self) -> SandboxReport:
        """What the workers reached, which is the same for all of them."""
        with self._lock:
            return self._idle[0].report

    def processes(self) -> tuple[int, ...]:
        """The process numbers of all workers that live or are being stopped."""
        with self._lock:
            return tuple(worker.process for worker in self._all())

    def close(self) -> None:
        """Kill all workers; runs that are under way end with ``ModelFailedError``."""
        with self._changed:
            self._closed = True
            for worker in self._all():
                worker.kill()
            self._changed.notify_all()
            self._wake_keeper()
        self._keeper.join()
        with self._changed:
            if self._wake >= 0:
                os.close(self._wake)
                self._wake = -1

    def _free(self) -> bool:
        return bool(self._idle) and len(self._busy) < self._limits.workers

    def _all(self) -> list[Worker]:
        return [*self._loading, *self._idle, *self._busy, *self._draining]

    def _raise_if_hopeless(self) -> None:
        if self._closed:
            raise ModelFailedError("the model is closed")
        own = self._failures - self._kills
        no_accident = own >= _FAILURES_THAT_ARE_NO_ACCIDENT or self._kills >= _KILLS_THAT_ARE_NO_ACCIDENT
        if self._failure is not None and no_accident and not self._all():
            raise ModelFailedError(f"no worker loads the model any more: {self._failure}")

    def _wait_until_loaded(self) -> None:
        wanted = self._limits.workers + self._limits.spares
        with self._changed:
            while len(self._idle) < wanted and self._failure is None:
                self._changed.wait()
            failure = self._failure
        if failure is not None:
            self.close()
            raise failure

    def _wake_keeper(self) -> None:
        """Make the keeper look at what has changed. The lock is held."""
        if self._wake >= 0:
            os.eventfd_write(self._wake, 1)

    def _keep(self) -> None:
        """The keeper's life."""
        while True:
            self._bury()
            if self._closed and not self._busy:
                break
            self._start_missing()
            self._look_after(self._ready_descriptors())
        with self._changed:
            self._gone += self._all()
            self._loading.clear()
            self._idle.clear()
            self._draining.clear()
        self._bury()

    def _bury(self) -> None:
        with self._lock:
            gone, self._gone = self._gone, []
        for worker in gone:
            worker.close()

    def _start_missing(self) -> None:
        wanted = self._limits.workers + self._limits.spares
        while time.monotonic() >= self._next_start:
            with self._lock:
                if self._closed or len(self._all()) >= wanted:
                    return
            try:
                worker = self._make()
            except BridgeError as error:
                self._note_failure(error)
                return
            self._counters.add("workers_started")
            with self._lock:
                self._loading.add(worker)

    def _ready_descriptors(self) -> set[int]:
        """Wait until something happens, and say to which descriptors."""
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        now = time.monotonic()
        with self._lock:
            until = [*(worker.load_until for worker in self._loading), *self._draining.values()]
            if len(self._all()) < self._limits.workers + self._limits.spares:
                until.append(self._next_start)
            for worker in (*self._loading, *self._draining):
                poll.register(worker.data.fileno(), select.POLLIN)
            for worker in self._idle:
                poll.register(worker.handle, select.POLLIN)
        # Rounded up: a millisecond too early would only come back.
        wait = max(0, int((min(until) - now) * 1000) + 1) if until else None
        ready = {descriptor for descriptor, _ in poll.poll(wait)}
        if self._wake in ready:
            os.eventfd_read(self._wake)
        return ready

    def _look_after(self, ready: set[int]) -> None:
        now = time.monotonic()
        with self._lock:
            loading, draining = tuple(self._loading), tuple(self._draining.items())
        for worker in loading:
            if worker.data.fileno() in ready:
                self._continue_loading(worker)
            elif now >= worker.load_until:
                self._counters.add("hard_kills")
                self._give_up(worker, worker.loading_took_too_long())
        for worker, until in draining:
            if worker.data.fileno() in ready and worker.has_stopped():
                self._counters.add("soft_stops")
                self._revive(worker)
            elif worker.data.fileno() in ready or now >= until:
                self._counters.add("hard_kills")
                self._remove(worker)
        with self._lock:
            ended = [worker for worker in self._idle if worker.handle in ready]
        for worker in ended:
            if self._remove(worker):
                self._counters.add("crashes")

    def _continue_loading(self, worker: Worker) -> None:
        try:
            loaded = worker.continue_loading()
        except BridgeError as error:
            self._give_up(worker, error)
            return
        if loaded:
            self._counters.add("workers_loaded")
            self._failures = self._kills = 0
            self._failure = None
            self._revive(worker)

    def _revive(self, worker: Worker) -> None:
        with self._changed:
            self._loading.discard(worker)
            self._draining.pop(worker, None)
            self._idle.append(worker)
            self._changed.notify_all()

    def _give_up(self, worker: Worker, error: BridgeError) -> None:
        self._counters.add("loads_failed")
        self._remove(worker)
        self._note_failure(error)

    def _remove(self, worker: Worker) -> bool:
        """Let go of a worker that nobody is asking; false where somebody took it meanwhile, who will find it lost."""
        with self._changed:
            if worker in self._loading:
                self._loading.remove(worker)
            elif worker in self._draining:
                del self._draining[worker]
            elif worker in self._idle:
                self._idle.remove(worker)
            else:
                return False
            worker.kill()
            self._gone.append(worker)
            return True

    def _note_failure(self, error: BridgeError) -> None:
        pause = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**self._failures)
        with self._changed:
            self._failures += 1
            self._kills += isinstance(error, KilledWhileLoadingError)
            self._failure = error
            self._next_start = time.monotonic() + pause
            self._changed.notify_all()
