"""A fork server whose workers' engine was taken over: real processes in the real sandbox, with an attacker's code inside.

The model's bytes are JSON: ``key`` is the path of a private key, ``packet`` a packet in hexadecimal for the attack ``speak``.
Each run does the attack whose number is the first input, and answers 0 where it succeeded, the system's error number where not.
"""

import _thread
import ctypes
import errno
import itertools
import json
import os
import resource
import signal
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np

from bridge.runtime.isolation import fork_server_process, worker_process
from bridge.runtime.isolation.frames import Answer, Placed, Status, pack_answer
from bridge.runtime.isolation.job import Job


def _speak(told: dict[str, str]) -> None:
    packet = bytes.fromhex(told["packet"])
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, packet)
        except OSError:
            continue
    time.sleep(0.2)


def _answer_unasked(_told: dict[str, str]) -> None:
    """Answer all requests to come, as fast as they are asked, without reading one of them."""
    zeros = Placed(0, np.dtype(np.float32), (1, 4), 0)
    first = pack_answer(Answer(Status.DONE, 1, (zeros,)))
    # Also into the socket by which it would be told to stop, which nobody reads at the other end.
    data, *_ = (descriptor for descriptor in range(3, 64) if _written(descriptor, first))
    for sequence in itertools.count(2):
        os.write(data, pack_answer(Answer(Status.DONE, sequence, (zeros,))))


def _written(descriptor: int, packet: bytes) -> bool:
    try:
        return os.write(descriptor, packet) > 0
    except OSError:
        return False


def _many_threads(_: dict[str, str]) -> None:
    for _number in range(20_000):
        _thread.start_new_thread(time.sleep, (5,))


def _take_memory(_: dict[str, str]) -> None:
    taken = [np.ones(64 << 20, np.uint8) for _ in itertools.repeat(None, 100)]
    assert not taken


def _map_code(_: dict[str, str]) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = ctypes.c_void_p
    if library.mmap(None, 4096, 7, 0x22, -1, 0) == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "mmap")


def _connect(_: dict[str, str]) -> None:
    with socket.socket() as made:
        made.connect(("127.0.0.1", 9))


ATTACKS = {
    "compute": lambda _: None,
    "read_passwd": lambda _: Path("/etc/passwd").read_bytes(),
    "read_key": lambda told: Path(told["key"]).read_bytes(),
    "list_folder": lambda _: list(Path("/").iterdir()),
    "write_file": lambda _: Path("/written").write_bytes(b"x"),
    "connect": _connect,
    "execute": lambda _: os.execv("/bin/true", ["true"]),  # noqa: S606  # That this fails is the point.
    "fork": lambda _: os.fork(),
    "many_threads": _many_threads,
    "kill_server": lambda _: os.kill(os.getppid(), signal.SIGKILL),
    "trace_server": lambda _: _system_call(101, 16, os.getppid()),
    "map_code": _map_code,
    "raise_limit": lambda _: _raise_limit(),
    "become_root": lambda _: os.setuid(0),
    "take_memory": _take_memory,
    "crash": lambda _: ctypes.string_at(0),
    "abort": lambda _: os.abort(),
    "leave": lambda _: os._exit(7),
    "hang": lambda _: time.sleep(60),
    "speak": _speak,
    "answer_unasked": _answer_unasked,
}
NUMBERS = {name: number for number, name in enumerate(ATTACKS)}


def _system_call(number: int, *arguments: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments)) < 0:
        raise OSError(ctypes.get_errno(), "system call")


def _raise_limit() -> None:
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1000, 1000))
    except ValueError:  # What Python makes of EPERM.
        raise OSError(errno.EPERM, "setrlimit") from None


class HostileSession:
    """What stands in for the engine's session."""

    def __init__(self, told: dict[str, str]) -> None:
        self._told = told

    def run(self, _: Any, feeds: dict[str, Any], __: Any) -> list[Any]:
        number = int(feeds["x"][0, 0])
        try:
            list(ATTACKS.values())[number](self._told)
            outcome = 0
        except MemoryError:
            outcome = errno.ENOMEM
        except RuntimeError:  # No thread can be started.
            outcome = errno.EAGAIN
        except OSError as error:
            outcome = error.errno or -1
        return [np.full((1, 4), outcome, np.float32)]


def _make_session(_: Job, model: memoryview, __: Any) -> HostileSession:
    return HostileSession(json.loads(bytes(model)))


def main(control: int) -> None:
    """Be the fork server, with that engine."""
    worker_process.make_session = _make_session  # type: ignore[assignment, attr-defined]
    fork_server_process.main(control)
