"""The files beneath a model's root, each opened once, by way of its folder's descriptor, without ever following a link.

A path that is opened twice can name two files. Here the root is opened once, every folder beneath it by its name in the folder
above, and every file in the same way; what is handed out is the descriptor. Links, pipes, sockets and devices are refused
before they are opened, and again by what was opened. So is a file that has a second name elsewhere, unless the caller says that
this is how the files are stored: who can write to the other name can change what was verified.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from bridge.errors import InvalidOptionError, SourceChangedError, SourceError, UnsafePathError
from bridge.trust.resource_names import DEEPEST, SINGLE_FILE, look_alike, name_fault
from bridge.trust.small_files import StrPath

MOST_FILES = 250_000
"""In a tree, and in one folder of it. A bundle of the greatest length lists about as many."""

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a block device"),
    (stat.S_ISCHR, "a character device"),
)


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A regular file, open for reading. Whoever gets one closes it.

    ``name`` is its path beneath the root, ``.`` if it is the root itself; ``size`` in bytes, when it was opened.
    """

    name: str
    descriptor: int
    status: os.stat_result

    @property
    def size(self) -> int:
        """Length in bytes when the file was opened."""
        return self.status.st_size

    def read_at(self, offset: int, buffer: memoryview) -> int:
        """Fill as much of ``buffer`` as can be had in one go from ``offset`` on; the number of bytes, never 0.

        Raises ``SourceChangedError`` if the file ends there.
        """
        try:
            count = os.preadv(self.descriptor, [buffer], offset)
        except OSError as error:
            raise SourceError(f"cannot read {self.name!r}: {error.strerror}", offset=offset) from error
        if not count:
            raise SourceChangedError(f"{self.name!r} became shorter while it was read", offset=offset)
        return count

    def check_unchanged(self) -> None:
        """Raise ``SourceChangedError`` if the file was written to, cut, extended or linked since it was opened."""
        now = os.fstat(self.descriptor)
        before = self.status
        if (now.st_size, now.st_mtime_ns, now.st_ctime_ns) != (before.st_size, before.st_mtime_ns, before.st_ctime_ns):
            raise SourceChangedError(
                f"{self.name!r} changed while it was read",
                expected=f"{before.st_size} bytes, untouched",
                found=f"{now.st_size} bytes",
            )

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.descriptor)


class OpenedRoot:
    """A model's root: a folder, or a single file. Opened once; all else is reached from here. Use it in a ``with`` block."""

    def __init__(self, path: StrPath, *, allow_hard_links: bool = False) -> None:
        self.path = Path(path)
        # "." and "models/.." have no name of their own.
        self.name = self.path.name if self.path.name not in {"", ".."} else self.path.resolve().name
        self._allow_hard_links = allow_hard_links
        self.descriptor, self._status = self._open()
        self.is_folder = stat.S_ISDIR(self._status.st_mode)

    def _open(self) -> tuple[int, os.stat_result]:
        shown = str(self.path)
        try:
            _refuse_special(shown, os.lstat(self.path).st_mode, root=True)
            descriptor = os.open(self.path, _READ)
        except (FileNotFoundError, NotADirectoryError, PermissionError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise InvalidOptionError(f"cannot open '{shown}': {reason}") from error
        except OSError as error:
            raise _unopenable(shown, error) from error
        return descriptor, _status_or_close(descriptor, shown, allow_hard_links=self._allow_hard_links)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self.descriptor)

    def files(self, ignored: Callable[[str], bool]) -> Iterator[OpenedFile]:
        """Every regular file beneath the root that is not ignored, by name, each to be closed by the caller.

        Raises ``UnsafePathError`` for links, special files and names that no signature can list, ``SourceError`` for what is
        unreadable.
        """
        if not self.is_folder:
            yield OpenedFile(SINGLE_FILE, os.dup(self.descriptor), self._status)
            return
        for count, file in enumerate(self._beneath(self.descriptor, "", ignored, 0)):
            if count == MOST_FILES:
                file.close()
                raise UnsafePathError(str(self.path), f"more than {MOST_FILES} files")
            yield file

    def read_file(self, name: str, most: int) -> bytes | None:
        """The bytes of a small file directly beneath the root, such as a signature; ``None`` if there is none."""
        if not self.is_folder:
            return None
        try:
            opened = _open_beneath(self.descriptor, name, name, allow_hard_links=True)
        except FileNotFoundError:
            return None
        if not isinstance(opened, OpenedFile):
            os.close(opened)
            raise UnsafePathError(name, "a folder where a file is expected")
        with os.fdopen(opened.descriptor, "rb") as file:
            octets = file.read(most + 1)
        if len(octets) > most:
            raise UnsafePathError(name, f"more than {most} bytes long")
        return octets

    def _beneath(self, folder: int, prefix: str, ignored: Callable[[str], bool], depth: int) -> Iterator[OpenedFile]:
        if depth > DEEPEST:
            raise UnsafePathError(prefix, f"more than {DEEPEST} folders within each other")
        names = [name for name in _entries(folder, prefix) if not ignored(prefix + name)]
        for name in names:
            if fault := name_fault(name):
                raise UnsafePathError(prefix + name, f"a name that no signature can list: {fault}")
        if alike := look_alike(names):
            raise UnsafePathError(prefix + alike[1], f"the same name in another Unicode form as {alike[0]!a} beside it")
        for name in names:
            try:
                opened = _open_beneath(folder, name, prefix + name, allow_hard_links=self._allow_hard_links)
            except FileNotFoundError as error:
                raise SourceChangedError(f"{prefix + name!r} disappeared while the folder was read") from error
            if isinstance(opened, OpenedFile):
                yield opened
                continue
            try:
                yield from self._beneath(opened, f"{prefix}{name}/", ignored, depth + 1)
            finally:
                os.close(opened)


def _entries(folder: int, prefix: str) -> list[str]:
    names: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            names.append(entry.name)
            if len(names) > MOST_FILES:
                raise UnsafePathError(prefix or ".", f"more than {MOST_FILES} entries in one folder")
    return sorted(names)


def _open_beneath(folder: int, name: str, shown: str, *, allow_hard_links: bool) -> OpenedFile | int:
    """A file, or the descriptor of a folder. ``FileNotFoundError`` passes through."""
    try:
        # Opening a device can have effects of its own, so it is not even tried.
        _refuse_special(shown, os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        descriptor = os.open(name, _READ, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unopenable(shown, error) from error
    status = _status_or_close(descriptor, shown, allow_hard_links=allow_hard_links)
    return descriptor if stat.S_ISDIR(status.st_mode) else OpenedFile(shown, descriptor, status)


def _status_or_close(descriptor: int, shown: str, *, allow_hard_links: bool) -> os.stat_result:
    """What was really opened, whatever the name was a moment before. Closes it where it is refused."""
    try:
        status = os.fstat(descriptor)
        _refuse_special(shown, status.st_mode)
        if stat.S_ISREG(status.st_mode) and status.st_nlink > 1 and not allow_hard_links:
            raise UnsafePathError(
                shown,
                f"the file has {status.st_nlink} names (hard links), through each of which it can be changed; "
                "copy it, or allow hard links if this is how the files are stored",
            )
    except BaseException:
        os.close(descriptor)
        raise
    return status


def _refuse_special(shown: str, mode: int, *, root: bool = False) -> None:
    for is_kind, words in _KINDS:
        if is_kind(mode):
            advice = "; name what it points to" if root and stat.S_ISLNK(mode) else ""
            raise UnsafePathError(shown, f"{words}, where only regular files and folders are accepted{advice}")


def _unopenable(shown: str, error: OSError) -> SourceError | UnsafePathError:
    # A link that took the place of a file after it was looked at.
    if error.errno in {errno.ELOOP, errno.ENXIO}:
        return UnsafePathError(shown, "a link or socket, where only regular files and folders are accepted")
    return SourceError(f"cannot open {shown!r}: {error.strerror}")
