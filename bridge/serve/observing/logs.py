"""One line of JSON for each thing worth telling, without anything that a client sent but for names that are known here.

A thread of its own writes, so that a reader who is slow, or a disk that is full, never holds up a request: what does not fit into
the queue is dropped and counted.
"""

from __future__ import annotations

import queue
import sys
import threading
import traceback
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import orjson

_QUEUED: Final = 10_000
_FRAMES: Final = 30


class Log:
    """Lines of JSON to a stream, in order."""

    def __init__(self, stream: TextIO | None = None, *, requests: bool = True) -> None:
        self._stream: Final = stream or sys.stderr
        self._lines: Final[queue.Queue[tuple[float, dict[str, Any]] | None]] = queue.Queue(_QUEUED)
        self._requests: Final = requests
        self.dropped = 0
        self._thread: Final = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def event(self, event: str, **facts: Any) -> None:
        """Write that ``event`` happened. ``facts`` are of JSON's types."""
        try:
            self._lines.put_nowait((datetime.now(UTC).timestamp(), {"event": event, **facts}))
        except queue.Full:
            self.dropped += 1

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
        self._lines.put(None)
        self._thread.join(5.0)

    def _write(self) -> None:
        while (entry := self._lines.get()) is not None:
            at, facts = entry
            time = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            line = orjson.dumps({"time": time, "level": "info"} | facts)
            try:
                self._stream.write(line.decode() + "\n")
                self._stream.flush()
            except (OSError, ValueError):  # Closed, or nobody reads it any more.
                self.dropped += 1
