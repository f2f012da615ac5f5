"""What waits for a model: bounded in number and in bytes, taken in the order of arrival, together where that is possible."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from bridge.errors import RequestRefusedError
from bridge.serve.models.job import Job
from bridge.serve.models.merging import Merger
from bridge.serve.settings import BatchSettings, QueueSettings


class JobQueue:
    """Filled by the event loop, emptied by the threads in which a model runs."""

    def __init__(self, merger: Merger, queue: QueueSettings, batch: BatchSettings) -> None:
        self._merger: Final = merger
        self._bounds: Final = queue
        self._batch: Final = batch
        self._rows: Final = min(batch.rows, merger.rows_at_most) if merger.possible else 1
        self._jobs: Final[deque[Job]] = deque()
        self._changed: Final = threading.Condition()
        self._octets = 0
        self._closed = False

    def __len__(self) -> int:
        """How many requests wait."""
        return len(self._jobs)

    def put(self, job: Job, retry_after: Callable[[], float]) -> None:
        """Let ``job`` wait for its turn. Raises ``RequestRefusedError``, with ``retry_after()``, where the queue is full."""
        with self._changed:
            if self._closed:
                raise RequestRefusedError("draining", "the server is shutting down", retry_after=retry_after())
            if len(self._jobs) >= self._bounds.requests or self._octets + job.octets > self._bounds.bytes:
                waiting = f"{len(self._jobs)} requests with {self._octets} bytes wait already"
                raise RequestRefusedError("queue-full", f"the model's queue is full: {waiting}", retry_after=retry_after())
            self._jobs.append(job)
            self._octets += job.octets
            self._changed.notify()

    def take(self) -> list[Job]:
        """The next jobs, all with one key, once there are any; none at all when the queue is closed and empty."""
        with self._changed:
            while True:
                while not self._jobs and not self._closed:
                    self._changed.wait()
                self._drop_abandoned()
                if self._jobs and self._rows > 1 and self._batch.delay_seconds:
                    self._wait_for_company()
                    self._drop_abandoned()
                if self._jobs:
                    return self._gather()
                if self._closed:
                    return []

    def close(self) -> None:
        """Take no more; what waits is still answered."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _wait_for_company(self) -> None:
        until = self._jobs[0].arrived + self._batch.delay_seconds
        while self._jobs and sum(job.rows for job in self._jobs) < self._rows and not self._closed:
            left = until - time.monotonic()
            if left <= 0:
                return
            self._changed.wait(left)

    def _drop_abandoned(self) -> None:
        while self._jobs and self._jobs[0].abandoned:
            self._octets -= self._jobs.popleft().octets

    def _gather(self) -> list[Job]:
        first = self._jobs.popleft()
        taken, rows, others = [first], first.rows, []
        while self._jobs and rows < self._rows:
            job = self._jobs.popleft()
            if job.abandoned:
                self._octets -= job.octets
            elif job.key == first.key and rows + job.rows <= self._rows and self._merger.fits(taken, job):
                taken.append(job)
                rows += job.rows
            else:
                others.append(job)
        self._jobs.extendleft(reversed(others))
        self._octets -= sum(job.octets for job in taken)
        return taken
