"""Standard output that cannot be written to ends a command with one message, wherever in it that is noticed.

A result that is lost is no result: whoever redirected the output to a full disk has to hear of it, whatever the command would
have said. A reader that went away (``| head -1``) has what it wanted, and is not told; the exit code is then the one that shells
give to programs that a closed pipe has ended.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TextIO, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

CANNOT_WRITE: Final = 2
"""As for every place that cannot be written to: ``bridge.cli.exits.BAD_USAGE``, which would cost an import of typer here."""
READER_GONE: Final = 128 + signal.SIGPIPE

_INPUT, _OUTPUT, _ERROR = 0, 1, 2


class OutputLostError(Exception):
    """Standard output took no more. No ``OSError``, so that nobody takes it for one about a file of theirs."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(cause.strerror or str(cause))
        self.reader_gone = cause.errno == errno.EPIPE


class _Output(io.FileIO):
    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OutputLostError(error) from error


class _Complaints(io.FileIO):
    """Standard error. Where nobody can hear a complaint, the exit code still says it."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


@contextmanager
def standard_streams() -> Iterator[None]:
    """Run the block with standard streams that are all open. ``SystemExit`` where what it printed could not be written."""
    output_is_open = _is_open(_OUTPUT)
    _fill_gaps()
    # The streams of a command that was started without them are None, and what they would print is nobody's.
    sys.stderr = _text(_Complaints(_ERROR, "w", closefd=False), sys.stderr)
    if not output_is_open:
        sys.stderr.write("bridge: standard output is closed; open it, or send it to /dev/null\n")
        raise SystemExit(CANNOT_WRITE)
    sys.stdout = _text(_Output(_OUTPUT, "w", closefd=False), sys.stdout)
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OutputLostError as lost:
        # What is still buffered goes nowhere, and the interpreter does not fail on it when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), _OUTPUT)
        if lost.reader_gone:
            raise SystemExit(READER_GONE) from None
        sys.stderr.write(f"bridge: cannot write to standard output: {lost}\n")
        raise SystemExit(CANNOT_WRITE) from None


def _fill_gaps() -> None:
    """Put /dev/null where a standard stream is closed: the next file to be opened would otherwise take its number."""
    for number in (_INPUT, _OUTPUT, _ERROR):
        if not _is_open(number):
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _text(raw: io.FileIO, like: TextIO | None) -> TextIO:
    """``raw`` as a stream of text with the encoding and the buffering of ``like``."""
    old = cast("io.TextIOWrapper | None", like)
    encoding, faults = (old.encoding, old.errors) if old is not None else ("utf-8", "backslashreplace")
    unbuffered = old is None or old.write_through
    lines = old is None or old.line_buffering
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, faults, line_buffering=lines, write_through=unbuffered)
