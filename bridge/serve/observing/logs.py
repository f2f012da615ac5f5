"""One line of JSON for each thing worth telling, without anything that a client sent but for names that are known here.

A thread of its own writes, some times a second, so that a reader who is slow, or a disk that is full, never holds up a request:
what does not fit into the queue is dropped and counted. Nobody wakes the thread: that would cost every request a switch.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections import deque
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import orjson

_QUEUED: Final = 20_000
_SECONDS: Final = 0.1
_FRAMES: Final = 30


class Log:
    """Lines of JSON to a stream, in order."""

    def __init__(self, stream: TextIO | None = None, *, requests: bool = True) -> None:
        self._stream: Final = stream or sys.stderr
        self._entries: Final[deque[tuple[float, dict[str, Any]]]] = deque()
        self._requests: Final = requests
        self._closing: Final = threading.Event()
        self.dropped = 0
        self._thread: Final = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def event(self, event: str, **facts: Any) -> None:
        """Write that ``event`` happened. ``facts`` are of JSON's types."""
        if len(self._entries) >= _QUEUED:
            self.dropped += 1
            return
        self._entries.append((time.time(), {"event": event, **facts}))

    def request(self, **facts: Any) -> None:
        """Write of a request, where requests are wanted at all."""
        if self._requests:
            self.event("request", **facts)

    def fault(self, where: str, error: BaseException) -> None:
        """Write of a bug, with its stack. The exception's text may hold what a client sent: only its type is written."""
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        stack = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        self.event("fault", level="error", where=where, type=type(error).__name__, stack=stack)

    def close(self) -> None:
        """Write what is left."""
        self._closing.set()
        self._thread.join(5.0)

    def _write_all(self) -> None:
        while not self._closing.wait(_SECONDS):
            self._write()
        self._write()

    def _write(self) -> None:
        lines = []
        while self._entries:
            at, facts = self._entries.popleft()
            said = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            lines.append(orjson.dumps({"time": said, "level": "info"} | facts).decode() + "\n")
        if not lines:
            return
        try:
            self._stream.write("".join(lines))
            self._stream.flush()
        except (OSError, ValueError):  # Closed, or nobody reads it any more.
            self.dropped += len(lines)
