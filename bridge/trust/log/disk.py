"""A folder as a log writes to it: a handful of operations, each of which says what it promises about a loss of power.

Names are relative to the folder, which is opened once; no symbolic link below it is followed, whoever planted it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A FIFO put in a tile's place is opened without waiting for its writer, and then refused.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Disk(Protocol):
    """What a log asks of a file system."""

    def read(self, name: str, limit: int) -> bytes | None:
        """At most ``limit + 1`` bytes of a regular file, ``None`` where there is none."""

    def names(self, folder: str) -> Iterator[str]:
        """The names of all files below ``folder``, however deep."""

    def make_folder(self, name: str) -> bool:
        """Make one folder in a folder that exists; ``False`` where it stands already."""

    def write_new(self, name: str, data: bytes) -> None:
        """Write a file that does not exist yet. Its bytes, not its name, are on the medium afterwards."""

    def rename(self, name: str, destination: str) -> None:
        """Give a file another name, in one step, in place of what had that name before."""

    def remove(self, name: str) -> None:
        """Remove a file, or an empty folder; nothing happens where there is none."""

    def flush_folder(self, name: str) -> None:
        """Afterwards the names in this folder are on the medium as well."""


class PosixDisk:
    """The folder at ``root``, which exists."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        """Close the folder."""
        if self.descriptor >= 0:
            descriptor, self.descriptor = self.descriptor, -1
            os.close(descriptor)

    @contextmanager
    def _parent(self, name: str) -> Iterator[tuple[int, str]]:
        """The descriptor of the folder that ``name`` stands in, and the last part of the name."""
        *folders, last = name.split("/")
        descriptor = os.dup(self.descriptor)
        try:
            for folder in folders:
                inner = os.open(folder, _FOLDER, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            yield descriptor, last
        finally:
            os.close(descriptor)

    def read(self, name: str, limit: int) -> bytes | None:
        """See ``Disk``. Anything but a regular file raises ``OSError``."""
        try:
            with self._parent(name) as (folder, last):
                descriptor = os.open(last, _READ, dir_fd=folder)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(f"'{self.root}/{name}' is no regular file")
            data = bytearray()
            while len(data) <= limit and (piece := file.read(limit + 1 - len(data))):
                data += piece
            return bytes(data)

    def names(self, folder: str) -> Iterator[str]:
        """See ``Disk``."""
        if not os.path.lexists(self.root / folder):
            return
        with self._parent(f"{folder}/.") as (descriptor, _):
            for path, _folders, files, _ in os.fwalk(".", dir_fd=descriptor, follow_symlinks=False):
                yield from (os.path.normpath(f"{folder}/{path}/{name}") for name in files)

    def make_folder(self, name: str) -> bool:
        """See ``Disk``."""
        with self._parent(name) as (folder, last):
            try:
                os.mkdir(last, dir_fd=folder)
            except FileExistsError:
                return False
        return True

    def write_new(self, name: str, data: bytes) -> None:
        """See ``Disk``."""
        with self._parent(name) as (folder, last):
            descriptor = os.open(last, _CREATE, 0o666, dir_fd=folder)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]
            os.fsync(descriptor)

    def rename(self, name: str, destination: str) -> None:
        """See ``Disk``."""
        with self._parent(name) as (source_folder, source), self._parent(destination) as (folder, last):
            os.rename(source, last, src_dir_fd=source_folder, dst_dir_fd=folder)

    def remove(self, name: str) -> None:
        """See ``Disk``."""
        try:
            with self._parent(name) as (folder, last):
                if stat.S_ISDIR(os.stat(last, dir_fd=folder, follow_symlinks=False).st_mode):
                    os.rmdir(last, dir_fd=folder)
                else:
                    os.unlink(last, dir_fd=folder)
        except FileNotFoundError:
            return

    def flush_folder(self, name: str) -> None:
        """See ``Disk``."""
        with self._parent(f"{name}/.") as (folder, _):
            os.fsync(folder)
