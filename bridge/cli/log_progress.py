"""A progress bar for the audit of a long log, on a terminal only."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_SHORT = 100_000  # Entries; fewer take less than a second.


class LogProgress:
    """Shows how many entries were read. Use it in a ``with`` block."""

    def __init__(self) -> None:
        self._shown: tuple[Progress, TaskID] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._shown is not None:
            self._shown[0].stop()

    def advance(self, done: int, total: int) -> None:
        """Show that ``done`` entries of ``total`` were read."""
        if total < _SHORT or not sys.stderr.isatty():
            return
        if self._shown is None:
            from rich.progress import Progress

            from bridge.cli.console import error_console

            progress = Progress(console=error_console(), transient=True)
            progress.start()
            self._shown = progress, progress.add_task("auditing", total=total)
        self._shown[0].update(self._shown[1], completed=done)
