"""A model that runs in the process of its caller: the fastest way, for packages whose signers are trusted.

A call with ``timeout`` is handed to another thread, so that its caller is released on time whatever the engine does. A call
without one runs where it is, with the interface's limit: the engine ends it between two operators, and one operator that takes
longer is waited for. What was left behind keeps its place until the engine is done; only a process of its own can be killed.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from bridge.errors import DeadlineExceeded, InvalidOptionError, ModelFailedError
from bridge.runtime.contract.inputs import InputContract
from bridge.runtime.contract.outputs import OutputContract
from bridge.runtime.deadlines import DEADLINES
from bridge.runtime.limits import DEFAULT_RUNTIME_LIMITS, RuntimeLimits
from bridge.runtime.served import Array, ModelIdentity, ModelInterface
from bridge.runtime.slots import Slot, Slots

if TYPE_CHECKING:
    import onnxruntime


class InProcessModel:
    """A session with its contract. Made by ``bridge.load``; see ``ServedModel`` for what it offers."""

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        interface: ModelInterface,
        identity: ModelIdentity,
        limits: RuntimeLimits = DEFAULT_RUNTIME_LIMITS,
        *,
        features: tuple[onnxruntime.InferenceSession, str] | None = None,
    ) -> None:
        """``features`` are another session, and its output, for a guard that looks at what the model computes of an input."""
        self.interface = interface
        self.identity = identity
        self._session: onnxruntime.InferenceSession | None = session
        self._features = features
        self._inputs = InputContract(interface, limits.input_bytes)
        self._outputs = OutputContract(interface, limits.output_bytes, finite=limits.finite_outputs)
        self._slots = Slots(limits.concurrent_runs, limits.waiting_runs)
        weakref.finalize(self, self._slots.close)
        self._seconds = interface.limits.seconds if limits.run_seconds is None else limits.run_seconds

    def run(
        self,
        inputs: Mapping[str, Array],
        *,
        timeout: float | None = None,
        outputs: Sequence[str] | None = None,
        soft: bool = False,
    ) -> dict[str, Array]:
        """The outputs, all or those named. See ``ServedModel.run`` for the errors.

        ``timeout`` in seconds releases the caller on time, at the price of a change of threads; with ``soft`` it merely takes the
        place of the interface's limit. Arrays must not be changed while a call runs, nor after ``DeadlineExceeded``, until
        ``counters()["running"]`` has fallen.
        """
        session = self._session
        if session is None:
            raise ModelFailedError("the model was closed")
        names = self._outputs.names if outputs is None else self._outputs.wanted(outputs)
        feeds, binding = self._inputs.check(inputs)
        if timeout is None or soft:
            found = self._run_here(session, names, feeds, self._seconds if timeout is None else timeout)
        else:
            found = self._run_elsewhere(session, names, feeds, timeout)
        return self._outputs.check(names, found, binding)

    def features(self, inputs: Mapping[str, Array], *, timeout: float, soft: bool = False) -> Array:
        """What the model computes before its last layer, of inputs that were held against the interface. See ``run``."""
        features = self._features
        if features is None:
            raise ModelFailedError("the model was closed, or was loaded without its features")
        session, name = features
        run = self._run_here if soft else self._run_elsewhere
        return run(session, [name], dict(inputs), timeout)[0]

    def counters(self) -> Mapping[str, int]:
        """What became of all calls so far; see ``bridge.runtime.slots``."""
        return self._slots.counters()

    def close(self) -> None:
        """Give the engine's memory back, once the last run is over."""
        if self._session is not None:
            self._session = self._features = None
            self._slots.close()

    def _run_here(
        self, session: onnxruntime.InferenceSession, names: list[str], feeds: dict[str, Array], seconds: float
    ) -> list[Array]:
        """A run in the caller's thread. An answer that comes after the limit is none: it would be there on one machine only."""
        slot = self._slots.take(seconds)
        slot.counts["runs"] += 1
        DEADLINES.arm(slot.watch, monotonic() + seconds)
        try:
            found: list[Array] = session.run(names, feeds, slot.options)
        except Exception as error:  # The engine raises classes of its own, without a common root.
            if self._ended_in_time(slot, failed=True):
                raise _failed(error) from error
            raise DeadlineExceeded(seconds) from error
        except BaseException:
            self._ended_in_time(slot)
            raise
        if not self._ended_in_time(slot):
            raise DeadlineExceeded(seconds)
        return found

    def _ended_in_time(self, slot: Slot, *, failed: bool = False) -> bool:
        """Give the slot back after a run; whether that ended before it was told to stop."""
        expired = DEADLINES.disarm(slot.watch)
        if expired:
            slot.counts["stopped"] += 1
            slot.renew()
        elif failed:
            slot.counts["failed"] += 1
        self._slots.give_back(slot)
        return not expired

    def _run_elsewhere(
        self, session: onnxruntime.InferenceSession, names: list[str], feeds: dict[str, Array], timeout: float
    ) -> list[Array]:
        if not 0 < timeout <= threading.TIMEOUT_MAX:
            raise InvalidOptionError(f"timeout is {timeout}; expected seconds, more than 0")
        until = monotonic() + timeout
        slot = self._slots.take(timeout)
        handed = _HandedOver(session, names, feeds, slot, self._slots)
        slot.run_thread().submit(handed.work)
        return handed.wait(until, timeout)


class _HandedOver:
    """One run in another thread. Whoever comes second, the caller who leaves or the thread that is done, gives the slot back."""

    __slots__ = ("_done", "_failure", "_feeds", "_found", "_left", "_lock", "_names", "_session", "_slot", "_slots")

    def __init__(
        self, session: onnxruntime.InferenceSession, names: list[str], feeds: dict[str, Array], slot: Slot, slots: Slots
    ) -> None:
        self._session, self._names, self._feeds, self._slot, self._slots = session, names, feeds, slot, slots
        self._lock = threading.Lock()
        self._done = threading.Lock()
        self._done.acquire()
        self._left = False
        self._found: list[Array] = []
        self._failure: Exception | None = None

    def work(self) -> None:
        """Run, in the other thread."""
        try:
            self._slot.counts["runs"] += 1
            self._found = self._session.run(self._names, self._feeds, self._slot.options)
        except Exception as error:  # noqa: BLE001  # The engine raises classes of its own, without a common root.
            self._failure = error
        with self._lock:
            left = self._left
            self._done.release()
        if left:
            self._slot.renew()
            self._slots.give_back(self._slot)

    def wait(self, until: float, timeout: float) -> list[Array]:
        """The result, in the caller's thread. Raises ``DeadlineExceeded`` at ``until``, whatever the engine does."""
        try:
            done = self._done.acquire(timeout=max(0.0, until - monotonic()))
        except BaseException:
            self._leave()
            raise
        if not done and self._leave():
            raise DeadlineExceeded(timeout)
        failure = self._failure
        if failure is not None:
            self._slot.counts["failed"] += 1
        self._slots.give_back(self._slot)
        if failure is not None:
            raise _failed(failure) from failure
        return self._found

    def _leave(self) -> bool:
        """Release the caller, unless the run has come to its end in the meantime; whether it goes on."""
        with self._lock:
            self._left = not self._done.acquire(blocking=False)
            if self._left:
                self._slot.counts["left_behind"] += 1
                self._slot.stop()
            return self._left


def _failed(error: Exception) -> ModelFailedError:
    return ModelFailedError(f"the engine failed: {str(error)[:500]}")
