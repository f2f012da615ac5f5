"""Appends to a log in processes that are killed: before every call that changes a file, and at random moments.

    python -m tests.trust.log.killed_appends FOLDER NAME

prints how many processes were killed, and fails where one of them left anything but the log from before or the log from after.
It forks, which a test process with threads must not.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from itertools import count
from pathlib import Path
from types import FrameType

from bridge.trust.log.append import append_entries
from bridge.trust.log.audit import audit_log
from bridge.trust.log.opening import open_log
from tests.trust.log.sample_logs import SIGNER, entries, grown_log

BEFORE, AFTER = 254, 258
CHANGING = frozenset({"write", "fsync", "rename", "mkdir", "unlink", "rmdir", "flock", "execute", "executemany"})


def copied(log: Path, name: str) -> Path:
    target = log.with_name(name)
    if log.is_dir():
        shutil.copytree(log, target)
    else:
        shutil.copy(log, target)
    return target


def append_all(log: Path) -> None:
    append_entries(open_log(log), entries(0, AFTER), SIGNER)


def killed_before_call(log: Path, number: int) -> bool:
    """Fork a process that appends and kills itself before its call ``number`` that changes a file; ``False`` if it made fewer."""
    child = os.fork()
    if child == 0:
        calls = count()

        def profile(_frame: FrameType, event: str, function: object) -> None:
            if event == "c_call" and getattr(function, "__name__", "") in CHANGING and next(calls) == number:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(profile)
        append_all(log)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def killed_after(log: Path, seconds: float) -> None:
    """Fork a process that appends entry by entry, and kill it after so long."""
    child = os.fork()
    if child == 0:
        storage = open_log(log)
        for size in count(BEFORE + 1):
            append_entries(storage, entries(0, size), SIGNER)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def check(log: Path, *, sizes: range | tuple[int, ...], kept: bytes) -> None:
    """The log is sound, has one of these sizes, continues the older one, and can be appended to."""
    storage = open_log(log)
    found = audit_log(storage, keys=[SIGNER.key], older=[("kept", kept)]).checkpoint.size
    assert found in sizes, f"{log} has {found} entries"
    end = max(found + 1, AFTER)
    append_entries(storage, entries(0, end), SIGNER)
    audit = audit_log(storage, keys=[SIGNER.key], older=[("kept", kept)])
    assert (audit.checkpoint.size, audit.uncommitted) == (end, ()), (log, audit)


def main(folder: Path, name: str) -> int:
    """How many processes were killed."""
    storage = grown_log(folder / name, [BEFORE])
    kept = storage.read_checkpoint()
    storage.close()
    killed = 0
    for number in count():
        log = copied(folder / name, f"call{number}-{name}")
        finished = not killed_before_call(log, number)
        check(log, sizes=(AFTER,) if finished else (BEFORE, AFTER), kept=kept)
        if finished:
            break
        killed += 1
    moments = random.Random(7)  # noqa: S311 - moments to kill at, not keys
    for number in range(8):
        log = copied(folder / name, f"moment{number}-{name}")
        killed_after(log, moments.uniform(0.0, 0.12))
        check(log, sizes=range(BEFORE, 10_000), kept=kept)
        killed += 1
    return killed


if __name__ == "__main__":
    sys.stdout.write(f"{main(Path(sys.argv[1]), sys.argv[2])}\n")
