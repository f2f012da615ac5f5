"""How far a test has come, in units of one pass of all samples, so that the time left can be told."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int, str], None]
"""Told of passes done, of passes in all, and of what comes next."""


def silent(done: int, total: int, what: str) -> None:
    """No progress shown."""
    del done, total, what


class Passes:
    """Counts the passes of everything that one test is made of, and tells ``show``."""

    def __init__(self, show: Progress) -> None:
        self._show, self._done, self._total = show, 0, 0

    def expect(self, passes: int) -> None:
        """So many more are to come."""
        self._total += passes

    def announce(self, what: str, passes: int) -> None:
        """So many more are done, and ``what`` is what is going on."""
        self._done += passes
        self._show(self._done, self._total, what)
