"""The parent's side of the fork server: one process that has the engine loaded and makes workers in milliseconds.

It is started when the first worker is wanted, with an environment of its own (no variable of ours reaches the engine), and
started again should it end.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bridge.errors import ModelFailedError
from bridge.runtime.isolation.job import JOB_BYTES, Job

_START_SECONDS: Final = 60.0
_ANSWER_SECONDS: Final = 10.0
_BOOT: Final = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[2]); "
    "import importlib; importlib.import_module(sys.argv[3]).main(int(sys.argv[1]))"
)
_ENTRY: Final = "bridge.runtime.isolation.fork_server_process"
# Libraries that would start threads on import, or call home, are told not to. An own loader path is Python's own matter.
_ENVIRONMENT: Final = {
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "ORT_DISABLE_TELEMETRY": "1",
}
_KEPT_VARIABLES: Final = ("LD_LIBRARY_PATH",)


@dataclass(frozen=True, slots=True)
class Spawned:
    """A new worker: its process number, and a descriptor of the process that no later process can be mistaken for."""

    process: int
    handle: int

    def kill(self) -> None:
        """End it at once, unless it has ended."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.handle, signal.SIGKILL)


class ForkServer:
    """One fork server, shared by whoever makes workers. All of it may be called from any thread.

    ``entry`` is the module whose ``main`` is the server; tests put a hostile engine into its workers.
    """

    def __init__(self, entry: str = _ENTRY) -> None:
        self._entry = entry
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self.starts = 0
        self._ended = False

    def spawn(self, job: Job, descriptors: Sequence[int]) -> Spawned:
        """A new worker with copies of ``descriptors``. Raises ``ModelFailedError`` where the system makes no process."""
        data = job.to_bytes()
        with self._lock:
            if self._ended:
                raise ModelFailedError("no worker is made any more: this process ends")
            for attempt in (1, 2):
                control = self._started()
                try:
                    answer, handles = self._ask(control, data, descriptors)
                    break
                except (OSError, ValueError) as error:
                    self._stop()
                    if attempt == 2:
                        raise ModelFailedError(f"the server that makes workers does not answer: {error}") from error
        if "process" not in answer or len(handles) != 1:
            raise ModelFailedError(f"the system makes no worker: {answer.get('refused')}")
        return Spawned(int(answer["process"]), handles[0])

    def end_of(self, process: int) -> str:
        """How a worker that this server made has ended, as a sentence's part."""
        with self._lock:
            if self._control is None:
                return "with the server that made it"
            try:
                answer, _ = self._ask(self._control, json.dumps({"end": process}).encode(), ())
            except (OSError, ValueError):
                return "for an unknown reason"
        return _described(answer.get("end"))

    def process_id(self) -> int | None:
        """The server's process, where it runs."""
        process = self._process
        return None if process is None else process.pid

    def close(self) -> None:
        """End the server, and its workers with it. A later ``spawn`` starts it again."""
        with self._lock:
            self._stop()

    def end(self) -> None:
        """As ``close``, and for good: whoever still looks after workers gets no new ones."""
        with self._lock:
            self._ended = True
            self._stop()

    def _ask(self, control: socket.socket, data: bytes, descriptors: Sequence[int]) -> tuple[dict[str, Any], list[int]]:
        if descriptors:
            socket.send_fds(control, [data], descriptors)
        else:
            control.send(data)
        said, handles, _, _ = socket.recv_fds(control, JOB_BYTES, 1)
        if not said:
            raise OSError("it has ended")
        for handle in handles:
            os.set_inheritable(handle, False)  # noqa: FBT003  # The function's own form.
        return json.loads(said), handles

    def _started(self) -> socket.socket:
        if self._control is not None and self._process is not None and self._process.poll() is None:
            return self._control
        self._stop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(_START_SECONDS)
        with theirs:
            # The current folder stands in the path as an empty name, and the server's is another one.
            path = json.dumps([entry or str(Path.cwd()) for entry in sys.path])
            command = [sys.executable, "-I", "-c", _BOOT, str(theirs.fileno()), path, self._entry]
            kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
            null = subprocess.DEVNULL
            self._process = subprocess.Popen(  # noqa: S603  # Our own interpreter and our own module.
                command,
                env=_ENVIRONMENT | kept,
                cwd="/",
                pass_fds=[theirs.fileno()],
                stdin=null,
                stdout=null,
                stderr=subprocess.PIPE,
            )
        self._control = ours
        self.starts += 1
        self._wait_ready(ours, self._process)
        ours.settimeout(_ANSWER_SECONDS)
        return ours

    def _wait_ready(self, control: socket.socket, process: subprocess.Popen[bytes]) -> None:
        try:
            said = control.recv(JOB_BYTES)
        except OSError:
            said = b""
        ready = bool(said) and json.loads(said)
        if ready and ready["ready"]:
            return
        process.kill()
        stderr = process.stderr.read(4000).decode("utf-8", "replace").strip() if process.stderr else ""
        self._stop()
        reason = f"it has {ready['threads']} threads, and may have one" if ready else stderr or "it gave no answer"
        raise ModelFailedError(f"the server that makes workers does not start: {reason}")

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stderr is not None:
                self._process.stderr.close()
            self._process = None


BY_KILL: Final = f"by {signal.SIGKILL.name}"
"""What is said of a worker that somebody killed, or the kernel where there was no memory left."""


def _described(end: object) -> str:
    if not isinstance(end, int):
        return "for an unknown reason"
    if end >= 0:
        return f"with exit status {end}"
    with contextlib.suppress(ValueError):
        return f"by {signal.Signals(-end).name}"
    return f"by signal {-end}"


_SHARED = ForkServer()
atexit.register(_SHARED.end)


def shared_fork_server() -> ForkServer:
    """The fork server of this process; it is started when the first worker is wanted."""
    return _SHARED
