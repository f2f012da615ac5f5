"""The parent's side of one worker: made, asked, told to stop, killed. Nothing that it says is believed before it is checked."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from bridge.errors import BridgeError, DeadlineExceeded, ModelFailedError
from bridge.runtime.isolation.fork_server import ForkServer
from bridge.runtime.isolation.frames import (
    GO,
    PACKET_BYTES,
    SEQUENCE,
    Answer,
    ProtocolError,
    Request,
    Status,
    pack_request,
    unpack_answer,
)
from bridge.runtime.isolation.job import Job
from bridge.runtime.isolation.layout import Layout, refuse_other_outputs
from bridge.runtime.isolation.shared_memory import Array, TensorArea
from bridge.runtime.sandbox.report import NO_SANDBOX, SandboxLevel, SandboxReport, require

Resource = TypeVar("Resource", TensorArea, socket.socket)


class WorkerLostError(Exception):
    """The worker ended while it had the request: it crashed, or was killed by somebody else."""


class StillRunningError(Exception):
    """The time is over, and the worker is at it still."""


@dataclass(frozen=True, slots=True)
class Template:
    """What all workers of a model have in common. ``model`` and ``external`` are descriptors of sealed memory.

    ``warm_up`` are inputs for a first run, which engines take longer for; ``None`` does without.
    """

    server: ForkServer
    layout: Layout
    job: Job
    model: int
    external: tuple[int, ...]
    minimum_sandbox: str
    load_seconds: float
    warm_up: Sequence[tuple[int, Array]] | None


class Worker:
    """One process that has the model. It is loading at first; ``continue_loading`` says when it can be asked.

    Raises ``ModelFailedError`` where the system makes no process or gives no memory.
    """

    def __init__(self, template: Template) -> None:
        self._template = template
        self._sequence = 0
        self._packet = memoryview(bytearray(PACKET_BYTES + 1))
        self.report: SandboxReport = NO_SANDBOX
        self.load_until = time.monotonic() + template.load_seconds
        layout = template.layout
        self._owned: list[TensorArea | socket.socket] = []
        try:
            self._inputs = self._own(TensorArea("bridge-inputs", layout.input_bytes, writable=True))
            self._outputs = self._own(TensorArea("bridge-outputs", layout.output_bytes, writable=False))
            self.data, data = map(self._own, socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
            self._gate, gate = map(self._own, socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
            handed = (data.fileno(), gate.fileno(), self._inputs.descriptor, self._outputs.descriptor, template.model)
            self._spawned = template.server.spawn(template.job, (*handed, *template.external))
            for theirs in (data, gate):
                theirs.close()
        except (OSError, ValueError) as error:
            self._release()
            raise ModelFailedError(f"the system gives no memory or descriptors for a worker: {error}") from error
        except BaseException:
            self._release()
            raise
        self.process = self._spawned.process
        self.handle = self._spawned.handle

    def continue_loading(self) -> bool:
        """Take the next packet of a worker that loads; true once it can be asked.

        Raises what keeps the model from running: ``PolicyError`` for a sandbox below the minimum, ``ModelFailedError``.
        """
        try:
            return self._continue_loading(self._received())
        except (ProtocolError, WorkerLostError) as error:
            raise ModelFailedError(f"a worker ended {self.end()} while it loaded the model ({error})") from error

    def _continue_loading(self, answer: Answer) -> bool:
        if answer.status is Status.CONFINED and self.report is NO_SANDBOX:
            self.report = _read_report(answer.text)
            require(self.report, self._template.minimum_sandbox)
            self._send(GO)
            return False
        if self.report is NO_SANDBOX or answer.status not in {Status.LOADED, Status.FAILED, Status.DONE}:
            raise ProtocolError(f"{answer.status.name}, out of turn")
        if answer.status is Status.FAILED:
            what = "the first run failed, of the smallest inputs" if self._sequence else "the engine does not load the model"
            raise ModelFailedError(f"{what}: {answer.text}")
        if answer.status is Status.LOADED and self._template.warm_up is not None and not self._sequence:
            self._request(self._template.warm_up, tuple(range(len(self._template.layout.outputs))))
            return False
        return True

    def loading_took_too_long(self) -> BridgeError:
        """The error for a worker that is not loaded by ``load_until``."""
        return DeadlineExceeded(self._template.load_seconds, "loading the model")

    def ask(self, inputs: Sequence[tuple[int, Array]], wanted: tuple[int, ...], deadline: float) -> list[Array]:
        """The wanted outputs, as copies. ``deadline`` is by the monotonic clock.

        Raises ``StillRunningError``, ``WorkerLostError``, ``ProtocolError``, and ``ModelFailedError`` with what the engine says.
        """
        self._request(inputs, wanted)
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise StillRunningError
        self.data.settimeout(remaining)
        try:
            answer = self._received()
        except TimeoutError:
            raise StillRunningError from None
        if answer.sequence != self._sequence or answer.status not in {Status.DONE, Status.FAILED}:
            raise ProtocolError(f"{answer.status.name} to request {answer.sequence}, in place of {self._sequence}")
        if answer.status is Status.FAILED:
            raise ModelFailedError(f"the engine failed: {answer.text}")
        refuse_other_outputs(wanted, answer.tensors)
        return [self._outputs.take(tensor) for tensor in answer.tensors]

    def stop(self) -> None:
        """Tell the worker to stop the request that it is at."""
        try:
            self._gate.send(SEQUENCE.pack(self._sequence), socket.MSG_DONTWAIT)
        except OSError:
            return  # It has ended, or does not listen: the killing that follows does not depend on it.

    def has_stopped(self) -> bool:
        """Take the answer to the request that was told to stop; false where there is none yet, or it is no answer to that."""
        self.data.settimeout(0)
        try:
            return self._received().sequence == self._sequence
        except (OSError, ProtocolError, WorkerLostError):
            return False

    def kill(self) -> None:
        """End the process at once. May be called from any thread, before ``close``."""
        self._spawned.kill()

    def end(self) -> str:
        """How the process ended, as a sentence's part. Kills it where it has not."""
        self.kill()
        return self._template.server.end_of(self.process)

    def close(self) -> None:
        """Kill the process and give everything back. Nobody may be asking it any more."""
        self.kill()
        os.close(self.handle)
        self._release()

    def _own(self, made: Resource) -> Resource:
        """Close ``made`` with the worker, however far its making gets."""
        self._owned.append(made)
        return made

    def _release(self) -> None:
        while self._owned:
            self._owned.pop().close()

    def _request(self, inputs: Sequence[tuple[int, Array]], wanted: tuple[int, ...]) -> None:
        self._sequence += 1
        self._send(pack_request(Request(self._sequence, wanted, self._inputs.put(inputs))))

    def _send(self, packet: bytes) -> None:
        try:
            # A worker that read what it was asked before has room for this. One that answers unasked must not hold up the caller.
            self.data.settimeout(0)
            self.data.send(packet)
        except BlockingIOError as error:
            raise ProtocolError("answers to requests that it did not read") from error
        except OSError as error:
            raise WorkerLostError(f"it crashed, or was killed: {error}") from error

    def _received(self) -> Answer:
        try:
            size = self.data.recv_into(self._packet)
        except (TimeoutError, BlockingIOError):
            raise
        except OSError as error:
            raise WorkerLostError(f"it crashed, or was killed: {error}") from error
        if size == 0:
            raise WorkerLostError("it crashed, or was killed")
        return unpack_answer(self._packet[:size])


def _read_report(text: str) -> SandboxReport:
    """The report that a worker sends before it has seen the model. Raises ``ProtocolError``."""
    try:
        said = json.loads(text)
        return SandboxReport(SandboxLevel(said["level"]), int(said["abi"]), {str(k): str(v) for k, v in said["details"].items()})
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ProtocolError(f"a report that is none: {error}") from error
