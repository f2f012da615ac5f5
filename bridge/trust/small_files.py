"""Keys, passwords, certificates and bundles as files: read in one go, bounded, and never from a pipe that could hang."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bridge.errors import InvalidOptionError

StrPath = str | os.PathLike[str]


def read_small_file(path: StrPath, *, what: str, most: int) -> bytes:
    """The bytes of a regular file of at most ``most`` bytes. Raises ``InvalidOptionError``: the caller named the file."""
    return read_with_mode(path, what=what, most=most)[0]


def read_with_mode(path: StrPath, *, what: str, most: int) -> tuple[bytes, int]:
    """The bytes of a file and its permissions, both of the one file that was opened."""
    shown = f"{what} '{Path(path)}'"
    try:
        # Without O_NONBLOCK, opening a pipe waits for somebody to write into it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InvalidOptionError(f"cannot read the {shown}: {reason}") from error
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise InvalidOptionError(f"cannot read the {shown}: it is no regular file")
        return _read(file.fileno(), shown, most), stat.S_IMODE(status.st_mode)


def _read(descriptor: int, shown: str, most: int) -> bytes:
    octets = bytearray()
    while chunk := os.read(descriptor, min(1 << 20, most + 1 - len(octets))):
        octets += chunk
        if len(octets) > most:
            raise InvalidOptionError(f"cannot read the {shown}: more than {most} bytes long")
    return bytes(octets)
