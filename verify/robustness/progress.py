"""How far a test has come, in units of one pass of all samples, so that the time left can be told."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int, str], None]
"""Told of passes done, of passes in all, and of what comes next."""


def silent(done: int, total: int, what: str) -> None:
    """No progress shown."""
    del done, total, what
