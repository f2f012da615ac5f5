"""One model with its queue and the threads in which it runs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from bridge.errors import BridgeError, DeadlineExceeded, InvalidInputError, ModelFailedError
from bridge.runtime.contract.inputs import InputContract
from bridge.runtime.guards.guarded import GuardedModel
from bridge.runtime.guards.pipeline import GuardStatus, Passed, Pipeline
from bridge.runtime.served import ModelIdentity, ModelInterface, ServedModel
from bridge.runtime.supervision.supervised import SupervisedModel
from bridge.serve.models.guarding import guarded, judged
from bridge.serve.models.job import Job, Outputs
from bridge.serve.models.merging import Merger
from bridge.serve.models.queue import JobQueue
from bridge.serve.protocol.request import InferenceRequest
from bridge.serve.settings import ModelSettings

_REMEMBERED: Final = 1024

Fault = Callable[[str, BaseException], None]
"""Is told what ought not to happen: the model's name, and the exception."""


class HostedModel:
    """Answers requests from its threads. Made and asked on the event loop's thread alone."""

    def __init__(self, model: ServedModel, settings: ModelSettings, on_fault: Fault) -> None:
        self._model: Final = model
        self._merger: Final = Merger(model.interface)
        self._contract: Final = InputContract(model.interface)
        self._queue: Final = JobQueue(self._merger, settings.queue, settings.batch)
        self._on_fault: Final = on_fault
        self._loop: Final = asyncio.get_running_loop()
        self._seconds: Final = settings.seconds or model.interface.limits.seconds
        self._run_seconds = 0.01  # of one call, as a moving average
        self._calls: Final[deque[int]] = deque(maxlen=_REMEMBERED)
        self.settings: Final = settings
        self.latencies: Final[deque[float]] = deque(maxlen=_REMEMBERED)
        self.answered = 0
        self._threads: Final = [
            threading.Thread(target=self._work, name=f"{settings.name}-{index}", daemon=True) for index in range(settings.workers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def interface(self) -> ModelInterface:
        """How the model wants to be called."""
        return self._model.interface

    @property
    def identity(self) -> ModelIdentity:
        """Which model it is, and who vouches for it."""
        return self._model.identity

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._queue)

    def counters(self) -> Mapping[str, int]:
        """What the model itself has counted: runs stopped, workers killed, reloads; nothing for one that does not count."""
        model = self._model
        if isinstance(model, SupervisedModel):
            return {**_counters_of(model.serving), **model.counters()}
        return _counters_of(model)

    def guards(self) -> tuple[GuardStatus, ...]:
        """The guards in force, with what each did since the server started; none where there are none."""
        guards = guarded(self._model)
        return guards.guards() if guards is not None else ()

    def submit(self, request: InferenceRequest) -> Job:
        """Let ``request`` wait for the model; the job's future is its answer.

        Raises ``InvalidInputError``, ``UnknownOutputError`` and ``RequestRefusedError`` for what does not even begin to wait.
        """
        now = time.monotonic()
        known = [tensor.name for tensor in self.interface.outputs]
        unknown = next((name for name in request.outputs if name not in known), None)
        if unknown is not None:
            raise InvalidInputError("", expected=f"outputs among {', '.join(known)}", found=f"{unknown!a}")
        feeds, binding = self._contract.check(request.inputs)
        shaped = self._merger.shaped(feeds, request.outputs, binding.extents)
        hurried = request.seconds is not None and request.seconds < self._seconds
        seconds = request.seconds if hurried and request.seconds is not None else self._seconds
        job = Job(feeds, request.outputs, self._loop.create_future(), now + seconds, now, hurried=hurried)
        job.key, job.rows, job.extents = shaped.key, shaped.rows, shaped.extents
        job.octets = sum(array.nbytes for array in feeds.values())
        self._queue.put(job, self._retry_after)
        timer = self._loop.call_later(seconds, _expire, job, seconds)
        job.future.add_done_callback(lambda _: timer.cancel())
        return job

    def reload(self) -> bool:
        """Replace the model by what lies at its package's place now, once that is verified and warm; blocks meanwhile.

        False for a model that cannot be replaced. Raises ``BridgeError`` for a package that is refused: the old one serves on.
        """
        if not isinstance(self._model, SupervisedModel):
            return False
        self._model.reload(self.settings.package)
        return True

    def close(self) -> None:
        """Take no more requests; those that wait are still answered. Blocks until they are, or their time is over."""
        self._queue.close()
        for thread in self._threads:
            thread.join(self._seconds + 1)
        self._model.close()

    def _retry_after(self) -> float:
        """When the queue will have moved on, as far as the last calls tell, in seconds."""
        together = sum(self._calls) / len(self._calls) if self._calls else 1.0
        return max(0.05, self._run_seconds * len(self._queue) / (len(self._threads) * together))

    def _work(self) -> None:
        while jobs := self._queue.take():
            begun = time.monotonic()
            results: list[Outputs | BaseException] = self._answers(jobs)
            took = time.monotonic() - begun
            self._run_seconds += 0.1 * (took - self._run_seconds)
            self._calls.append(len(jobs))
            for job in jobs:
                job.batch, job.waited = len(jobs), begun - job.arrived
            self._loop.call_soon_threadsafe(self._deliver, jobs, results)

    def _answers(self, jobs: Sequence[Job]) -> list[Outputs | BaseException]:
        """An answer or an error for each job. What fails together is tried one by one, so that nobody pays for another."""
        if len(jobs) == 1:
            return [self._answer(jobs[0])]
        guards = guarded(self._model)
        return self._together(jobs) if guards is None else self._guarded_answers(guards, jobs)

    def _guarded_answers(self, guards: GuardedModel, jobs: Sequence[Job]) -> list[Outputs | BaseException]:
        passed, alone, refused = judged(guards, jobs)
        answers: dict[Job, Outputs | BaseException] = {**refused, **{job: self._answer(job) for job in alone}}
        if len(passed) == 1:
            answers[passed[0]] = self._answer(passed[0])
        elif passed:
            answers |= zip(passed, self._together(passed, guards.pipeline), strict=True)
        return [answers[job] for job in jobs]

    def _together(self, jobs: Sequence[Job], guards: Pipeline | None = None) -> list[Outputs | BaseException]:
        """One run for all ``jobs``, each of which ``guards`` have let through."""
        try:
            merged = self._merger.merge(jobs)
            inputs = merged if guards is None else Passed(merged, guards)
            answer = self._model.run(inputs, timeout=_left(jobs), outputs=jobs[0].outputs or None)
            return list(self._merger.share_out(jobs, answer))
        except (InvalidInputError, ModelFailedError, MemoryError):
            return [self._answer(job) for job in jobs]
        except BridgeError as error:
            return [error] * len(jobs)
        except Exception as error:  # noqa: BLE001  # A bug must not end the thread: all that wait would wait for ever.
            return [error] * len(jobs)

    def _answer(self, job: Job) -> Outputs | BaseException:
        try:
            return self._model.run(job.inputs, timeout=_left([job]), outputs=job.outputs or None)
        except Exception as error:  # noqa: BLE001  # Likewise; what is not ours is told to the log by whoever awaits it.
            return error

    def _deliver(self, jobs: Sequence[Job], results: Sequence[Outputs | BaseException]) -> None:
        now = time.monotonic()
        for job, result in zip(jobs, results, strict=True):
            if isinstance(result, BaseException) and not isinstance(result, BridgeError):
                self._on_fault(self.settings.name, result)
            if job.future.done():
                continue
            if isinstance(result, BaseException):
                job.future.set_exception(result)
            else:
                self.answered += 1
                self.latencies.append(now - job.arrived)
                job.future.set_result(result)


def _left(jobs: Sequence[Job]) -> float | None:
    """Seconds until the last of ``jobs`` gives up; the others have timers of their own. ``None`` for the model's limit."""
    if not all(job.hurried for job in jobs):
        return None
    return max(0.001, max(job.deadline for job in jobs) - time.monotonic())


def _counters_of(model: ServedModel) -> Mapping[str, int]:
    counters: Callable[[], Mapping[str, int]] | None = getattr(model, "counters", None)
    return counters() if counters is not None else {}


def _expire(job: Job, seconds: float) -> None:
    if not job.future.done():
        job.future.set_exception(DeadlineExceeded(seconds))
