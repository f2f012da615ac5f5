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
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

import numpy as np

from bridge.runtime.isolation.engine import StoppableRun, make_features_session, make_session
from bridge.runtime.isolation.frames import (
    GO,
    PACKET_BYTES,
    SEQUENCE,
    Answer,
    Placed,
    Request,
    Status,
    pack_answer,
    unpack_request,
)
from bridge.runtime.isolation.job import Job
from bridge.runtime.isolation.shared_memory import aligned
from bridge.runtime.sandbox.applying import ServerConfinement, confine_worker
from bridge.runtime.sandbox.kernel import PR_SET_PDEATHSIG, process_control
from bridge.runtime.sandbox.resource_limits import ResourceLimits

_STACK_BYTES: Final = 512 << 10  # of the thread that waits for the word to stop
# Threads of the engine, allocator's arenas: address space that is reserved, not memory that is used.
_RESERVED_BYTES: Final = 256 << 20

Array = np.ndarray[Any, np.dtype[Any]]


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
    named = job if job.features is None else replace(job, outputs=(*job.outputs, job.features[0]))
    packet = bytearray(PACKET_BYTES)
    while size := data.recv_into(packet):
        request = unpack_request(memoryview(packet)[:size])
        chosen = session if features is None or request.outputs != (len(job.outputs),) else features
        data.send(pack_answer(_answer(named, chosen, running, memory, request)))


def _answer(job: Job, session: Any, running: StoppableRun, memory: _Memory, request: Request) -> Answer:
    try:
        feeds = {
            job.inputs[item.index]: np.ndarray(item.shape, item.dtype, memory.inputs, item.offset) for item in request.inputs
        }
        found = running.run(session, request.sequence, [job.outputs[index] for index in request.outputs], feeds)
        return Answer(Status.DONE, request.sequence, _put(memory.outputs, request.outputs, found))
    except Exception as error:  # noqa: BLE001  # As above.
        status = Status.STOPPED if running.stopped else Status.FAILED
        return Answer(status, request.sequence, text=_sentence(error))


def _put(area: mmap.mmap, indices: Sequence[int], arrays: Sequence[Array]) -> tuple[Placed, ...]:
    placed: list[Placed] = []
    offset = 0
    for index, array in zip(indices, arrays, strict=True):
        if offset + array.nbytes > len(area):
            raise ValueError(f"outputs of more than {len(area)} bytes, which the interface does not allow")
        if array.size:
            np.copyto(np.ndarray(array.shape, array.dtype, area, offset), array)
        placed.append(Placed(index, array.dtype, array.shape, offset))
        offset += aligned(array.nbytes)
    return tuple(placed)


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
