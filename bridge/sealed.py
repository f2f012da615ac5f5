"""The file that is read: opened once, copied into memory that nobody can change, hashed while it is copied.

The copy is a memory file of the kernel (``memfd_create``) that is sealed when it is whole: it can neither be written to, nor
grow, nor shrink any more, by this process or by another one. What was hashed, and verified where a signature is asked for, is
therefore what is parsed, whatever becomes of the file in the meantime: rewritten, cut short, replaced. A mapping of the file
itself would show all of that to the parser, and end the process with SIGBUS behind the new end of a file that was cut short.
See ``docs/adr/0007-sealed-memory.md`` for what it costs.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import stat
import threading
from typing import TYPE_CHECKING, Self

from bridge.errors import LimitExceededError, NotAModelError, SourceChangedError, SourceError
from bridge.free_memory import free_memory
from bridge.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from types import TracebackType

# Long enough that hashlib gives up the interpreter lock for nearly all of the time, short enough that closing never waits long.
_HASHED_AT_ONCE = 4 << 20

_COPIED_AT_ONCE = 8 << 20

# A pipe without a writer, a serial line or a terminal must not make the opening wait, or become ours.
OPEN_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY

_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}

# What differs when a file was written to, cut short or lengthened. The change time cannot be put back by the owner of the file.
_WATCHED = ("st_size", "st_mtime_ns", "st_ctime_ns")


class SealedSource:
    """A regular file in sealed memory, and its SHA-256.

    ``view`` is the whole file, read-only; ``size`` its length in bytes; ``memory`` the descriptor of the sealed memory file, for
    another process that has to read the very same bytes. Arrays that were made from ``view`` may outlive this object: the memory
    stays until the last of them is gone. A thread computes the hash from the moment of opening; with ``hashing=False``, from when
    ``start_hashing`` is called, for those who hash in their own way.

    Opening copies the file, and raises ``NotAModelError`` for what is not a regular file or is empty, ``LimitExceededError``
    beyond ``limits.file_bytes`` or what memory holds, ``SourceChangedError`` if the file was written to meanwhile, and
    ``SourceError`` when the system refuses.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        limits: Limits = DEFAULT_LIMITS,
        *,
        descriptor: int | None = None,
        hashing: bool = True,
    ) -> None:
        """``descriptor`` is the file where it is open already; it stays the caller's, and ``path`` is what errors call it."""
        self.path = os.fspath(path)
        self._hasher: _Hasher | None = None
        if descriptor is not None:
            self._read(self.path, descriptor, limits, hashing=hashing)
            return
        opened = _open(self.path)
        try:
            self._read(self.path, opened, limits, hashing=hashing)
        finally:
            os.close(opened)

    def _read(self, path: str, descriptor: int, limits: Limits, *, hashing: bool) -> None:
        status = os.fstat(descriptor)
        _refuse_unsuitable(path, status, limits)
        self.size = status.st_size
        self.memory = _memory_file(path, self.size)
        try:
            # A private mapping: a shared one, even for reading alone, would keep older kernels from sealing.
            self._map = mmap.mmap(self.memory, self.size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
        except (OSError, ValueError) as error:  # ValueError: longer than a mapping can be.
            os.close(self.memory)
            raise _unreadable(path, error) from error
        self.view = memoryview(self._map)
        if hashing:
            self._hasher = _Hasher(self.view)
        try:
            _copy(path, descriptor, self.memory, self.size, self._hasher)
            _refuse_changed(path, status, os.fstat(descriptor))
            fcntl.fcntl(self.memory, fcntl.F_ADD_SEALS, _SEALS)
        except OSError as error:
            self.close()
            raise _unreadable(path, error) from error
        except BaseException:
            self.close()
            raise

    def sha256(self) -> str:
        """The SHA-256 of the file as 64 hexadecimal digits. Waits for the hashing to end."""
        self.start_hashing()
        assert self._hasher is not None
        return self._hasher.result()

    def start_hashing(self) -> None:
        """Let a thread compute the hash, unless one does so already."""
        if self._hasher is None:
            if self.memory < 0:
                raise ValueError("the source was closed before its hash was computed")
            self._hasher = _Hasher(self.view)
            self._hasher.filled(self.size)

    def close(self) -> None:
        """Give the memory back, unless arrays still look into it."""
        if self.memory < 0:
            return
        if self._hasher is not None:
            self._hasher.stop()
        os.close(self.memory)
        self.memory = -1
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
    """SHA-256 of a view that is being filled, computed in a thread of its own."""

    def __init__(self, view: memoryview) -> None:
        self._stopped = False
        self._filled = 0
        self._more = threading.Condition()
        self._digest: str | None = None
        # A daemon, so that an interpreter which ends early does not wait for a hash that nobody will read.
        self._thread = threading.Thread(target=self._run, args=(view,), name="source-sha256", daemon=True)
        self._thread.start()

    def filled(self, count: int) -> None:
        """The first ``count`` bytes of the view are there, for good."""
        with self._more:
            self._filled = count
            self._more.notify()

    def result(self) -> str:
        self._thread.join()
        if self._digest is None:
            raise ValueError("the source was closed before its hash was computed")
        return self._digest

    def stop(self) -> None:
        with self._more:
            self._stopped = True
            self._more.notify()
        self._thread.join()

    def _run(self, view: memoryview) -> None:
        running = hashlib.sha256()
        start = 0
        while start < len(view):
            end = self._wait_beyond(start)
            if self._stopped:
                return
            end = min(end, start + _HASHED_AT_ONCE)
            running.update(view[start:end])
            start = end
        self._digest = running.hexdigest()

    def _wait_beyond(self, start: int) -> int:
        with self._more:
            self._more.wait_for(lambda: self._stopped or self._filled > start)
            return self._filled


def _open(path: str) -> int:
    try:
        return os.open(path, OPEN_FLAGS)
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
    free = free_memory()
    if status.st_size > free:
        raise SourceError(
            f"{path!r} does not fit into memory",
            expected=f"at most {free} bytes, which are free",
            found=f"{status.st_size}",
            advice="a file is read as a whole, so that what was verified is what is used: take a machine with more memory",
        )


def _unreadable(path: str, error: Exception) -> SourceError:
    return SourceError(f"cannot read {path!r} into memory: {error}", advice="copy the file to a local disk")


def _memory_file(path: str, size: int) -> int:
    """An anonymous file of ``size`` bytes in memory, which can be sealed."""
    try:
        memory = os.memfd_create("bridge-source", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except OSError as error:
        raise SourceError(
            f"cannot read {path!r}: the system gives no memory file: {error.strerror}",
            advice="allow memfd_create in the sandbox that this runs in",
        ) from error
    try:
        os.ftruncate(memory, size)
    except OSError as error:
        os.close(memory)
        raise _unreadable(path, error) from error
    return memory


def _copy(path: str, descriptor: int, memory: int, size: int, hasher: _Hasher | None) -> None:
    """Copy exactly ``size`` bytes, inside the kernel. What a growing file gains meanwhile is not read."""
    done = 0
    while done < size:
        count = os.sendfile(memory, descriptor, done, min(_COPIED_AT_ONCE, size - done))
        if count == 0:
            raise SourceChangedError(
                f"{path!r} was cut short while it was read",
                expected=f"{size} bytes",
                found=str(done),
                advice="nothing was kept; try again once nothing writes to the file",
            )
        done += count
        if hasher is not None:
            hasher.filled(done)


def _refuse_changed(path: str, before: os.stat_result, now: os.stat_result) -> None:
    """The copy of a file that was written to meanwhile is old in one part and new in another: nobody's model."""
    differing = [name for name in _WATCHED if getattr(before, name) != getattr(now, name)]
    if differing:
        raise SourceChangedError(
            f"{path!r} changed while it was read",
            expected=", ".join(f"{name} {getattr(before, name)}" for name in differing),
            found=", ".join(f"{name} {getattr(now, name)}" for name in differing),
            advice="nothing was kept; try again once nothing writes to the file, or take a copy",
        )
