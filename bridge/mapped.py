"""The file that is converted: opened once, mapped into memory, hashed while it is read.

A mapping holds what the disk holds: another process that writes to the file while it is converted changes the bytes under the
reader. Such a change is found afterwards (``check_unchanged``), and a conversion whose source changed is refused. A file that is
*cut short* meanwhile cannot be survived: the kernel answers a read behind the new end with SIGBUS. Whoever converts from a folder
that others write to copies the file first.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import stat
import threading
from typing import TYPE_CHECKING, Self

from bridge.errors import LimitExceededError, NotAModelError, SourceChangedError, SourceError
from bridge.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from types import TracebackType

# Long enough that hashlib gives up the interpreter lock for nearly all of the time, short enough that closing never waits long.
_HASHED_AT_ONCE = 4 << 20

# A pipe without a writer, a serial line or a terminal must not make the opening wait, or become ours.
_OPEN_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


class MappedSource:
    """A regular file in memory, and its SHA-256.

    ``view`` is the whole file, read-only; ``size`` its length in bytes. Arrays that were made from ``view`` may outlive this
    object: the memory then stays mapped until the last of them is gone. A thread computes the hash from the moment of opening.

    Opening raises ``NotAModelError`` for what is not a regular file or is empty, ``LimitExceededError`` beyond
    ``limits.file_bytes``, and ``SourceError`` when the system refuses.
    """

    def __init__(self, path: str | os.PathLike[str], limits: Limits = DEFAULT_LIMITS) -> None:
        self.path = os.fspath(path)
        self._descriptor = _open(self.path)
        try:
            self._status = os.fstat(self._descriptor)
            _refuse_unsuitable(self.path, self._status, limits)
            self.size = self._status.st_size
            self._map = _map(self._descriptor, self.path, self.size)
        except BaseException:
            os.close(self._descriptor)
            raise
        self.view = memoryview(self._map)
        self._hasher = _Hasher(self.view)

    def sha256(self) -> str:
        """The SHA-256 of the file as 64 hexadecimal digits. Waits for the hashing to end."""
        return self._hasher.result()

    def check_unchanged(self) -> None:
        """Raise ``SourceChangedError`` if the file has been written to since it was opened."""
        before, now = self._status, os.fstat(self._descriptor)
        watched = ("st_size", "st_mtime_ns", "st_ctime_ns", "st_ino")
        differing = [name for name in watched if getattr(before, name) != getattr(now, name)]
        if differing:
            raise SourceChangedError(
                f"{self.path!r} changed while it was read",
                expected=", ".join(f"{name} {getattr(before, name)}" for name in differing),
                found=", ".join(f"{name} {getattr(now, name)}" for name in differing),
                advice="nothing was kept; convert again once nothing writes to the file, or convert a copy",
            )

    def close(self) -> None:
        """Close the file, and unmap it unless arrays still look into it."""
        if self._descriptor < 0:
            return
        self._hasher.stop()
        os.close(self._descriptor)
        self._descriptor = -1
        try:
            self.view.release()
            self._map.close()
        except BufferError:
            # Arrays over the view are alive. They own a reference to the mapping, which goes when they go.
            del self.view, self._map

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class _Hasher:
    """SHA-256 of a view, computed in a thread of its own."""

    def __init__(self, view: memoryview) -> None:
        self._stopped = False
        self._digest: str | None = None
        # A daemon, so that an interpreter which ends early does not wait for a hash that nobody will read.
        self._thread = threading.Thread(target=self._run, args=(view,), name="source-sha256", daemon=True)
        self._thread.start()

    def _run(self, view: memoryview) -> None:
        running = hashlib.sha256()
        for start in range(0, len(view), _HASHED_AT_ONCE):
            if self._stopped:
                return
            running.update(view[start : start + _HASHED_AT_ONCE])
        self._digest = running.hexdigest()

    def result(self) -> str:
        self._thread.join()
        if self._digest is None:
            raise ValueError("the source was closed before its hash was computed")
        return self._digest

    def stop(self) -> None:
        self._stopped = True
        self._thread.join()


def _open(path: str) -> int:
    try:
        return os.open(path, _OPEN_FLAGS)
    except FileNotFoundError as error:
        raise SourceError(f"there is no file {path!r}", advice="check the path") from error
    except OSError as error:
        raise SourceError(f"cannot open {path!r}: {error.strerror}", advice="check the path and its permissions") from error
    except ValueError as error:  # A zero character, which no path can hold.
        raise SourceError(f"{path!r} is not a path: {error}", advice="check the path") from error


def _refuse_unsuitable(path: str, status: os.stat_result, limits: Limits) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        raise NotAModelError(
            f"{path!r} cannot be converted",
            expected="a regular file",
            found=_KINDS.get(kind, "something else"),
            advice="name one model file; a stream has to be saved to a file first",
        )
    if status.st_size == 0:
        raise NotAModelError(f"{path!r} is empty", expected="a CNTK model", found="0 bytes", advice="fetch the file again")
    if status.st_size > limits.file_bytes:
        raise LimitExceededError("file length", limit=limits.file_bytes, actual=status.st_size, field=repr(path))


def _map(descriptor: int, path: str, size: int) -> mmap.mmap:
    try:
        mapping = mmap.mmap(descriptor, size, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        # ValueError: the file became shorter between the look at its size and the mapping.
        raise SourceError(f"cannot map {path!r} into memory: {error}", advice="copy the file to a local disk") from error
    # Hashing goes from the first byte to the last, so reading ahead pays.
    mapping.madvise(mmap.MADV_SEQUENTIAL)
    return mapping
