"""What runs in the fork server: import everything once, give up everything, then fork a worker whenever the parent asks.

It has one thread for all its life, so that a fork copies no lock that another thread holds, and never looks at a model. When the
parent is gone it ends, and the kernel ends its workers with it.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import os
import select
import signal
import socket
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final

# Imported for its own sake: a worker can open no file any more, so all that it may need has to be here.
from bridge.runtime.isolation import worker_process
from bridge.runtime.isolation.job import JOB_BYTES, read_job
from bridge.runtime.sandbox.applying import ServerConfinement, confine_server

DESCRIPTORS_AT_MOST: Final = 32
_ENDS_REMEMBERED: Final = 1000


def main(control_descriptor: int) -> None:
    """Serve until the parent closes its end."""
    threads = len(list(Path("/proc/self/task").iterdir()))
    _close_all_but(control_descriptor)
    control = socket.socket(fileno=control_descriptor)
    woken, wake = socket.socketpair()
    for end in (woken, wake):
        end.settimeout(0)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's affair.
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    confinement = confine_server()
    gc.freeze()  # The collector would touch, and so copy, every page that the workers share.
    control.send(json.dumps({"ready": threads == 1, "threads": threads, "details": confinement.details}).encode())
    ends: OrderedDict[int, int] = OrderedDict()
    while True:
        readable, _, _ = select.select([control, woken], [], [])
        if woken in readable:
            with contextlib.suppress(BlockingIOError):
                woken.recv(4096)
        _reap(ends)
        if control in readable and not _serve_one(control, confinement, ends):
            return


def _serve_one(control: socket.socket, confinement: ServerConfinement, ends: OrderedDict[int, int]) -> bool:
    """Answer one request of the parent; false where it is gone."""
    data, descriptors, _, _ = socket.recv_fds(control, JOB_BYTES + 1, DESCRIPTORS_AT_MOST)
    if not data:
        return False
    try:
        if descriptors:
            _spawn(control, data, descriptors, confinement)
        else:
            asked: dict[str, Any] = json.loads(data)
            control.send(json.dumps({"end": ends.get(asked["end"])}).encode())
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    return True


def _spawn(control: socket.socket, data: bytes, descriptors: list[int], confinement: ServerConfinement) -> None:
    server = os.getpid()
    try:
        process = os.fork()
    except OSError as error:
        control.send(json.dumps({"refused": error.strerror}).encode())
        return
    if process == 0:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _close_all_others(descriptors)
            worker_process.work(read_job(data), descriptors, confinement, server)
        finally:
            os._exit(1)  # Whatever happened: this is not the server, and must not go on as if it were.
    handle = os.pidfd_open(process)
    try:
        socket.send_fds(control, [json.dumps({"process": process}).encode()], [handle])
    finally:
        os.close(handle)


def _reap(ends: OrderedDict[int, int]) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            ends[process] = os.waitstatus_to_exitcode(status)
            if len(ends) > _ENDS_REMEMBERED:
                ends.popitem(last=False)


def _close_all_but(kept: int) -> None:
    """Close what the parent had open, and let the standard streams lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    os.closerange(3, kept)
    os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))


def _close_all_others(descriptors: list[int]) -> None:
    """Close everything in a new worker but the standard streams and ``descriptors``."""
    bounds = [2, *sorted(descriptors), os.sysconf("SC_OPEN_MAX")]
    for low, high in itertools.pairwise(bounds):
        os.closerange(low + 1, high)
