"""Many files hashed at once. Each is opened once; a link, a device or a pipe in a file's place is not followed or waited for."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_FILES_AT_ONCE = 16  # Most are small, and handing one to a thread takes as long as hashing it.
_AT_ONCE = 1 << 20  # Bytes; hashlib lets go of the interpreter's lock for each.

Advance = Callable[[int], None]
"""Called from any thread with a number of bytes that were hashed."""


@dataclass(frozen=True, slots=True)
class HashedFile:
    """``digest`` is hexadecimal; where the file could not be hashed it is empty, and ``fault`` says why."""

    digest: str
    size: int
    fault: str = ""


def hash_files(root: Path, wanted: Iterable[tuple[str, str]], advance: Advance | None = None) -> dict[str, HashedFile]:
    """The digests of files beneath ``root``, given as (path, algorithm), by path."""
    tasks = list(wanted)
    beneath = str(root)

    def hash_some(start: int) -> list[tuple[str, HashedFile]]:
        some = tasks[start : start + _FILES_AT_ONCE]
        return [(path, _hash_file(f"{beneath}/{path}", algorithm, advance)) for path, algorithm in some]

    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        return {path: found for some in pool.map(hash_some, range(0, len(tasks), _FILES_AT_ONCE)) for path, found in some}


def _hash_file(path: str, algorithm: str, advance: Advance | None) -> HashedFile:
    try:
        descriptor = os.open(path, _FLAGS)
    except FileNotFoundError:
        return HashedFile("", 0, "missing")
    except OSError as error:
        return HashedFile("", 0, "a link, where a file is recorded" if Path(path).is_symlink() else str(error.strerror))
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return HashedFile("", 0, "no regular file")
        hasher = hashlib.new(algorithm)
        # Most files are small, and a buffer is zeroed when it is made.
        buffer = bytearray(min(_AT_ONCE, status.st_size + 1))
        view = memoryview(buffer)
        size = 0
        try:
            while count := file.readinto(buffer):
                hasher.update(view[:count])
                size += count
                if advance is not None:
                    advance(count)
        except OSError as error:
            return HashedFile("", size, str(error.strerror))
    return HashedFile(hasher.hexdigest(), size)
