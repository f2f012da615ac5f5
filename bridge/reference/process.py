"""Runs a program to its end, or to the end of the caller's patience."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import ReferenceEvaluationError, ReferenceMissingError

_TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit status as ``subprocess`` counts, and the last lines that it wrote."""

    status: int
    last_lines: str

    def how(self) -> str:
        """In words. A sandbox passes the death of what runs in it on as 128 plus the signal."""
        number = -self.status if self.status < 0 else self.status - 128
        if number in signal.valid_signals():
            return f"was killed by {signal.Signals(number).name}"
        return f"ended with exit status {self.status}"


def run_until(
    command: Sequence[str], *, variables: Mapping[str, str], folder: Path, log: Path, seconds: float, descriptors: Sequence[int]
) -> Ended:
    """Run ``command`` in a session of its own; what it writes goes to ``log``.

    After ``seconds`` the whole group of processes is killed, and ``ReferenceEvaluationError`` is raised.
    """
    with log.open("wb") as stream:
        try:
            process = subprocess.Popen(  # noqa: S603  # The command is put together by bridge.reference alone.
                command,
                env=dict(variables),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                pass_fds=tuple(descriptors),
                start_new_session=True,
            )
        except OSError as error:
            raise ReferenceMissingError(f"{command[0]}: cannot be run: {error.strerror}") from error
        try:
            status = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise ReferenceEvaluationError(
                f"CNTK did not finish within {seconds:g} s and was stopped; give it fewer samples, or more time"
            ) from error
        finally:
            _kill_group(process)
    return Ended(status, _last_lines(log))


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End whatever is left of the session. The leader has not been waited for where it still runs, so the number is its own."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _last_lines(log: Path) -> str:
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        text = stream.read().decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-5:])
