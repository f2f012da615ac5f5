"""The parent's side of one worker: made, asked, told to stop, killed. Nothing that it says is believed before it is checked."""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from bridge.errors import BridgeError, DeadlineExceeded, ModelFailedError
from bridge.runtime.contract.binding import Remembered
from bridge.runtime.isolation.fork_server import BY_KILL, ForkServer
from bridge.runtime.isolation.frames import (
    GO,
    PACKET_BYTES,
    SEQUENCE,
    SEQUENCE_AT,
    Answer,
    ProtocolError,
    Request,
    Status,
    pack_request,
    unnumbered,
    unpack_answer,
)
from bridge.runtime.isolation.job import Job
from bridge.runtime.isolation.layout import Layout, refuse_other_outputs
from bridge.runtime.isolation.shared_memory import Array, TensorArea, copied
from bridge.runtime.sandbox.report import NO_SANDBOX, SandboxLevel, SandboxReport, require

_PATIENCE_SECONDS: Final = 1
# A wait of the kernel's own saves a system call on the way, and cannot be of another length each time.
_PATIENCE: Final = struct.pack("@ll", _PATIENCE_SECONDS, 0)
_END_MILLISECONDS: Final = 1000
_REMEMBERED_BYTES: Final = 4096  # of an answer: 256 of them are kept, and a worker may send whatever it likes

Resource = TypeVar("Resource", TensorArea, socket.socket)


class WorkerLostError(Exception):
    """The worker ended while it had the request: it crashed, or was killed by somebody else."""


class KilledWhileLoadingError(ModelFailedError):
    """Somebody killed the worker before it was loaded, which says little about the model."""


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
        self._prepared: Remembered[tuple[bytearray, tuple[Array, ...]]] = Remembered()
        self._sound: Remembered[list[Array]] = Remembered()
        try:
            self._inputs = self._own(TensorArea("bridge-inputs", layout.input_bytes, writable=True))
            self._outputs = self._own(TensorArea("bridge-outputs", layout.output_bytes, writable=False))
            self.data, data = map(self._own, socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
            self.data.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _PATIENCE)
            self._poll = select.poll()
            self._poll.register(self.data, select.POLLIN)
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

        Raises what keeps the model from running: ``PolicyError`` for a sandbox below the minimum, ``ModelFailedError``, of which
        ``KilledWhileLoadingError`` is one.
        """
        try:
            return self._continue_loading(unpack_answer(self._packet[: self._received(socket.MSG_DONTWAIT)]))
        except BlockingIOError:
            return False
        except (ProtocolError, WorkerLostError) as error:
            # One whose socket is closed has its status already: what ``end`` does to it does not show in that.
            ended = self.end()
            killed = isinstance(error, WorkerLostError) and ended == BY_KILL
            kind = KilledWhileLoadingError if killed else ModelFailedError
            raise kind(f"a worker ended {ended} while it loaded the model ({error})") from error

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
        size = self._awaited(deadline)
        packet = self._packet[:size]
        key = wanted, unnumbered(packet)
        windows = self._sound.get(key)
        if windows is None or SEQUENCE.unpack_from(packet, SEQUENCE_AT)[0] != self._sequence:
            windows = self._windows(unpack_answer(packet), wanted)
            if size <= _REMEMBERED_BYTES:
                self._sound.keep(key, windows)
        return [copied(window) for window in windows]

    def _windows(self, answer: Answer, wanted: tuple[int, ...]) -> list[Array]:
        """Where the outputs lie that an answer tells of. Raises what is said of ``ask``."""
        if answer.sequence != self._sequence or answer.status not in {Status.DONE, Status.FAILED}:
            raise ProtocolError(f"{answer.status.name} to request {answer.sequence}, in place of {self._sequence}")
        if answer.status is Status.FAILED:
            raise ModelFailedError(f"the engine failed: {answer.text}")
        refuse_other_outputs(wanted, answer.tensors)
        return [self._outputs.window(tensor) for tensor in answer.tensors]

    def stop(self) -> None:
        """Tell the worker to stop the request that it is at."""
        try:
            self._gate.send(SEQUENCE.pack(self._sequence), socket.MSG_DONTWAIT)
        except OSError:
            return  # It has ended, or does not listen: the killing that follows does not depend on it.

    def has_stopped(self) -> bool:
        """Take the answer to the request that was told to stop; false where there is none yet, or it is no answer to that."""
        try:
            return unpack_answer(self._packet[: self._received(socket.MSG_DONTWAIT)]).sequence == self._sequence
        except (OSError, ProtocolError, WorkerLostError):
            return False

    def kill(self) -> None:
        """End the process at once. May be called from any thread, before ``close``."""
        self._spawned.kill()

    def end(self) -> str:
        """How the process ended, as a sentence's part. Kills it where it has not."""
        self.kill()
        # Its socket closes before it has ended for those who ask for its status.
        ended = select.poll()
        ended.register(self.handle, select.POLLIN)
        ended.poll(_END_MILLISECONDS)
        return self._template.server.end_of(self.process)

    def close(self) -> None:
        """Kill the process and give everything back. Nobody may be asking it any more."""
        self.kill()
        os.close(self.handle)
        self._prepared.forget()
        self._sound.forget()
        self._release()

    def _own(self, made: Resource) -> Resource:
        """Close ``made`` with the worker, however far its making gets."""
        self._owned.append(made)
        return made

    def _release(self) -> None:
        while self._owned:
            self._owned.pop().close()

    def _request(self, inputs: Sequence[tuple[int, Array]], wanted: tuple[int, ...]) -> None:
        key = (wanted, *[(number, array.dtype, array.shape) for number, array in inputs])
        prepared = self._prepared.get(key)
        if prepared is None:
            placed = self._inputs.place([(number, array.dtype, array.shape) for number, array in inputs])
            packet = bytearray(pack_request(Request(0, wanted, placed)))
            prepared = packet, tuple(self._inputs.window(tensor) for tensor in placed)
            self._prepared.keep(key, prepared)
        packet, windows = prepared
        for window, (_, array) in zip(windows, inputs, strict=True):
            np.copyto(window, array)
        self._sequence += 1
        SEQUENCE.pack_into(packet, SEQUENCE_AT, self._sequence)
        self._send(packet)

    def _send(self, packet: bytes | bytearray) -> None:
        try:
            # A worker that read what it was asked before has room for this. One that answers unasked must not hold up the caller.
            self.data.send(packet, socket.MSG_DONTWAIT)
        except BlockingIOError as error:
            raise ProtocolError("answers to requests that it did not read") from error
        except OSError as error:
            raise WorkerLostError(f"it crashed, or was killed: {error}") from error

    def _awaited(self, deadline: float) -> int:
        """The size of the next packet. Raises ``StillRunningError`` at the deadline."""
        while (remaining := deadline - time.monotonic()) > 0:
            try:
                if remaining > _PATIENCE_SECONDS:
                    return self._received()
                # Rounded up: a millisecond too early would only come back.
                if self._poll.poll(int(remaining * 1000) + 1):
                    return self._received(socket.MSG_DONTWAIT)
            except BlockingIOError:
                continue
        raise StillRunningError

    def _received(self, flags: int = 0) -> int:
        """The size of the next packet. Raises ``BlockingIOError`` where there is none, without ``flags`` after a while."""
        try:
            size = self.data.recv_into(self._packet, 0, flags)
        except BlockingIOError:
            raise
        except OSError as error:
            raise WorkerLostError(f"it crashed, or was killed: {error}") from error
        if size == 0:
            raise WorkerLostError("it crashed, or was killed")
        return size


def _read_report(text: str) -> SandboxReport:
    """The report that a worker sends before it has seen the model. Raises ``ProtocolError``."""
    try:
        said = json.loads(text)
        return SandboxReport(SandboxLevel(said["level"]), int(said["abi"]), {str(k): str(v) for k, v in said["details"].items()})
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ProtocolError(f"a report that is none: {error}") from error
