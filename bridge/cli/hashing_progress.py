"""A progress line for hashing, which appears when it takes longer than a moment, on a terminal only."""

import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_PATIENCE_SECONDS = 1.0


class HashingProgress:
    """Counts bytes from any thread; ``advance`` is None where there is nobody to show them to. Use it in a ``with`` block."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._bytes = 0
        self._shown: tuple[Progress, TaskID] | None = None
        self.advance = self._advance if sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._shown is not None:
            self._shown[0].stop()

    def _advance(self, count: int) -> None:
        with self._lock:
            self._bytes += count
            if self._shown is not None:
                self._shown[0].update(self._shown[1], completed=self._bytes)
            elif time.monotonic() - self._started > _PATIENCE_SECONDS:
                self._shown = self._show()

    def _show(self) -> "tuple[Progress, TaskID]":
        from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn, TransferSpeedColumn

        from bridge.cli.console import error_console

        columns = (SpinnerColumn(), TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn())
        progress = Progress(*columns, console=error_console(), transient=True)
        progress.start()
        return progress, progress.add_task(self._what, total=None, completed=self._bytes)
