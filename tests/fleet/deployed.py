"""Fleets that run: the command in a process of its own, with Ray as it is installed here."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.serve.asking import Answer, ask

COMMAND = "from bridge.cli import main; main()"
UP_SECONDS = 240.0  # Ray starts ten processes, each of which imports half of it.

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="no Ray: `./dev test-all` installs it")


@dataclass
class Deployed:
    """A fleet that answers at ``port``; ``lines`` are what it has written to standard error so far."""

    port: int
    started: dict[str, Any]
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def ask(self, path: str, body: bytes | str | None = None, **headers: str) -> Answer:
        """GET, or POST of ``body``."""
        return ask(self.port, "GET" if body is None else "POST", path, body, headers)

    def replicas(self, seconds: float = 60.0, want: int = 2) -> set[str]:
        """The replicas that have answered, once there are as many as wanted."""
        seen: set[str] = set()

        def enough() -> bool:
            with contextlib.suppress(ConnectionError):
                answer = self.ask("/v2/health/live")
                if answer.status == 200:  # Whatever else is the proxy's own: a replica has just died.
                    seen.add(answer.headers["bridge-replica"])
            return len(seen) >= want

        until(enough, seconds)
        return seen

    def process_of(self, replica: str) -> int:
        """The number of the process that is ``replica``: it says so in the log."""
        return next(pid for pid, known in self.processes().items() if known == replica)

    def processes(self) -> dict[int, str]:
        """By process, the replicas that were ever started."""
        found = {}
        for line in list(self.lines):
            if '"event":"started"' in line and "pid=" in line:
                found[int(line.split("pid=")[1].split(",")[0].split(")")[0])] = json.loads(line[line.index("{") :])["replica"]
        return found


def until(holds: Callable[[], bool], seconds: float) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def run_command(*arguments: str) -> str:
    """What ``bridge`` prints, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", COMMAND, *arguments], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at the moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def children_of(process: int) -> set[int]:
    """The processes that ``process`` has started, and those that they have started."""
    found: set[int] = set()
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found |= {child} | children_of(child)
    return found


@contextmanager
def deployed(configuration: Path, *options: str, state: Path) -> Iterator[Deployed]:
    """``bridge fleet`` with that configuration, for the time of the block."""
    command = [sys.executable, "-c", COMMAND, "fleet", str(configuration), "--json", *options]
    environment = os.environ | {"XDG_STATE_HOME": str(state), "NO_COLOR": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    lines: list[str] = []
    assert process.stdout is not None
    assert process.stderr is not None
    reader = threading.Thread(target=_read, args=(process.stderr, lines), daemon=True)
    reader.start()
    try:
        started = _first_document(process)
        yield Deployed(started["ports"]["http"], started, process, lines)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        reader.join(10)
        process.stdout.close()
        process.stderr.close()


def _read(stream: Any, lines: list[str]) -> None:
    for line in stream:
        lines.append(line)  # noqa: PERF402  # One by one: others look at them meanwhile.


def _first_document(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What the command prints when it serves; Ray's own lines may come before."""
    assert process.stdout is not None
    timer = threading.Timer(UP_SECONDS, process.kill)
    timer.start()
    said = ""
    try:
        for line in process.stdout:
            said += line
            if line.startswith('{"serving"'):
                document: dict[str, Any] = json.loads(line)
                return document
    finally:
        timer.cancel()
    raise AssertionError(f"the fleet did not start: {said}{process.stderr.read() if process.stderr else ''}")
