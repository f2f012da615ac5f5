"""What runs in a worker, from the fork to its end: confine itself, load the model, answer one request after the other.

Everything that it needs arrived as descriptors and is mapped before the sandbox closes; its first packet reports the sandbox, and
is sent before the first byte of the model is looked at.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from bridge.runtime.isolation.answering import Answering
from bridge.runtime.isolation.engine import StoppableRun, make_features_session, make_session
from bridge.runtime.isolation.frames import GO, PACKET_BYTES, SEQUENCE, Answer, Status, pack_answer
from bridge.runtime.isolation.job import Job
from bridge.runtime.sandbox.applying import ServerConfinement, confine_worker
from bridge.runtime.sandbox.kernel import PR_SET_PDEATHSIG, process_control
from bridge.runtime.sandbox.resource_limits import ResourceLimits

_STACK_BYTES: Final = 512 << 10  # of the thread that waits for the word to stop
# Threads of the engine, allocator's arenas: address space that is reserved, not memory that is used.
_RESERVED_BYTES: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class _Memory:
    inputs: mmap.mmap
    outputs: mmap.mmap
    model: memoryview
    external: Mapping[str, memoryview]


def work(job: Job, descriptors: Sequence[int], server: ServerConfinement, server_process: int) -> NoReturn:
    """Be a worker. Never returns."""
    status = 1
    try:
        _work(job, descriptors, server, server_process)
        status = 0
    finally:
        os._exit(status)


def _work(job: Job, descriptors: Sequence[int], server: ServerConfinement, server_process: int) -> None:
    process_control(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server_process:
        return  # The server ended before the kernel was told to end us with it.
    data = socket.socket(fileno=descriptors[0])
    gate = socket.socket(fileno=descriptors[1])
    memory = _map_all(job, descriptors[2:])
    report = confine_worker(server, _resource_limits(job, descriptors))
    said = json.dumps({"level": report.level, "abi": report.landlock_abi, "details": dict(report.details)})
    data.send(pack_answer(Answer(Status.CONFINED, 0, text=said)))
    if data.recv(len(GO)) != GO:
        return  # The sandbox does not suffice, or the parent is gone.
    running = StoppableRun()
    threading.stack_size(_STACK_BYTES)
    threading.Thread(target=_watch, args=(gate, running), daemon=True).start()
    threading.stack_size(0)
    try:
        session = make_session(job, memory.model, memory.external)
        features = make_features_session(job, memory.model, memory.external)
    except Exception as error:  # noqa: BLE001  # Whatever the engine raises about a model, the parent is to hear of it.
        data.send(pack_answer(Answer(Status.FAILED, 0, text=_sentence(error))))
        return
    data.send(pack_answer(Answer(Status.LOADED, 0)))
    answering = Answering(job, session, features, running, memory.inputs, memory.outputs)
    packet = memoryview(bytearray(PACKET_BYTES))
    while size := data.recv_into(packet):
        data.send(answering.answer(packet[:size]))


def _map_all(job: Job, descriptors: Sequence[int]) -> _Memory:
    inputs, outputs, model, *external = descriptors
    read = mmap.PROT_READ
    memory = _Memory(
        mmap.mmap(inputs, job.input_bytes, mmap.MAP_SHARED, read),
        mmap.mmap(outputs, job.output_bytes, mmap.MAP_SHARED, read | mmap.PROT_WRITE),
        memoryview(mmap.mmap(model, job.model_bytes, mmap.MAP_PRIVATE, read)),
        {
            name: memoryview(mmap.mmap(descriptor, size, mmap.MAP_PRIVATE, read))
            for (name, size), descriptor in zip(job.external, external, strict=True)
        },
    )
    for descriptor in descriptors:
        os.close(descriptor)  # A mapping keeps a descriptor of its own.
    return memory


def _resource_limits(job: Job, descriptors: Sequence[int]) -> ResourceLimits:
    mapped = job.input_bytes + job.output_bytes + job.model_bytes + sum(size for _, size in job.external)
    limit = None if job.memory_bytes is None else job.memory_bytes + mapped + _RESERVED_BYTES
    return ResourceLimits(memory_bytes=limit, cpu_seconds=job.cpu_seconds, descriptors=max(descriptors) + 16)


def _watch(gate: socket.socket, running: StoppableRun) -> None:
    """Stop the run that the parent names; end the process when the parent is gone."""
    while True:
        said = gate.recv(SEQUENCE.size)
        if len(said) != SEQUENCE.size:
            os._exit(0)
        running.stop(SEQUENCE.unpack(said)[0])


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
