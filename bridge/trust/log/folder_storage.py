"""A log in a folder, laid out as C2SP tlog-tiles serves it: a web server over the folder publishes the log.

The order in which things reach the medium is what makes a crash harmless: entry bundles, then tiles, then the checkpoint. What
the checkpoint does not cover does not exist; the next append writes over it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bridge.errors import TransparencyLogError, WriteError
from bridge.trust.log.disk import Disk, PosixDisk
from bridge.trust.log.entry_bundle import GREATEST_BUNDLE_BYTES
from bridge.trust.log.hashing import HASH_BYTES
from bridge.trust.log.note import GREATEST_NOTE_BYTES
from bridge.trust.log.storage import Batch
from bridge.trust.log.tile import ENTRIES, TILE_WIDTH, Tile

CHECKPOINT = "checkpoint"
TILES = "tile"
_STAGING = ".staging"
_LOCK = ".lock"
_LOCK_SECONDS = 60.0


class FolderStorage:
    """The log in a folder. ``disk`` stands in for the file system where a test wants to see it fail."""

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        self._root = root
        self._disk: Disk
        if disk is not None:
            self._disk = disk
            return
        try:
            self._disk = PosixDisk(root)
        except OSError as error:
            raise _unreadable(root, error) from error

    @classmethod
    def create(cls, root: Path, checkpoint: bytes) -> FolderStorage:
        """A new log; ``WriteError`` where something stands there already."""
        try:
            root.mkdir(exist_ok=True)
            # Left behind by an initialisation that was interrupted; it is carried on with.
            if strangers := {entry.name for entry in root.iterdir()} - {_STAGING, _LOCK}:
                raise WriteError(f"cannot make a log of '{root}': it holds {min(strangers)!r}; name a new folder")
            storage = cls(root)
            with storage.exclusive():
                storage.commit(Batch((), (), checkpoint))
            _flush_parent(root)
        except OSError as error:
            raise _unwritable(root, error) from error
        return storage

    @property
    def location(self) -> str:
        """See ``Storage``."""
        return str(self._root)

    def read_checkpoint(self) -> bytes:
        """See ``Storage``."""
        data = self._read(CHECKPOINT, GREATEST_NOTE_BYTES)
        if data is None:
            raise TransparencyLogError("storage", f"'{self._root}' has no file 'checkpoint'; `bridge log init` makes a log")
        return data

    def read_tile(self, tile: Tile) -> bytes | None:
        """See ``Storage``."""
        return self._read(tile.path, GREATEST_BUNDLE_BYTES if tile.level == ENTRIES else HASH_BYTES * TILE_WIDTH)

    def _read(self, name: str, limit: int) -> bytes | None:
        try:
            data = self._disk.read(name, limit)
        except OSError as error:
            raise _unreadable(self._root / name, error) from error
        if data is not None and len(data) > limit:
            raise TransparencyLogError("storage", f"'{self._root / name}' is longer than the {limit} bytes that it may have")
        return data

    def stored_names(self) -> Iterator[str]:
        """See ``Storage``."""
        try:
            yield from self._disk.names(TILES)
        except OSError as error:
            raise _unreadable(self._root / TILES, error) from error

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """See ``Storage``. The lock goes with its process, however that ends."""
        try:
            descriptor = os.open(self._root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise _unwritable(self._root, error) from error
        try:
            self._wait_for(descriptor)
            self._clear_staging()
            yield
        finally:
            os.close(descriptor)

    def _wait_for(self, descriptor: int) -> None:
        end = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise WriteError(f"'{self._root}': another process has been appending for {_LOCK_SECONDS:.0f} s") from None
                time.sleep(0.02)
            else:
                return

    def _clear_staging(self) -> None:
        try:
            if not self._disk.make_folder(_STAGING):
                for name in list(self._disk.names(_STAGING)):
                    self._disk.remove(name)
        except OSError as error:
            raise _unwritable(self._root, error) from error

    def commit(self, batch: Batch) -> None:
        """See ``Storage``."""
        try:
            for group in (batch.entries, batch.tiles):
                self._put([(tile.path, data) for tile, data in group])
            self._put([(CHECKPOINT, batch.checkpoint)])
        except OSError as error:
            raise _unwritable(self._root, error) from error

    def _put(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Give files their bytes and names; all of it is on the medium when this returns."""
        folders: set[str] = set()
        for name, data in files:
            folders |= self._make_folders(name)
            staged = f"{_STAGING}/{secrets.token_hex(12)}"
            self._disk.write_new(staged, data)
            self._disk.rename(staged, name)
        for folder in sorted(folders):
            self._disk.flush_folder(folder)

    def _make_folders(self, name: str) -> set[str]:
        """Make the folders that ``name`` stands in; returns those whose contents change with that."""
        parts = name.split("/")[:-1]
        changed = {"/".join(parts) or "."}
        for depth in range(1, len(parts) + 1):
            if self._disk.make_folder("/".join(parts[:depth])):
                changed.add("/".join(parts[: depth - 1]) or ".")
        return changed

    def discard_partial(self, full: Sequence[Tile]) -> None:
        """See ``Storage``."""
        try:
            for tile in full:
                for name in list(self._disk.names(f"{tile.path}.p")):
                    self._disk.remove(name)
                self._disk.remove(f"{tile.path}.p")
        except OSError as error:
            raise _unwritable(self._root, error) from error

    def close(self) -> None:
        """See ``Storage``."""
        if isinstance(self._disk, PosixDisk):
            self._disk.close()


def _flush_parent(root: Path) -> None:
    descriptor = os.open(root.absolute().parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unreadable(path: Path, error: OSError) -> TransparencyLogError:
    return TransparencyLogError("storage", f"cannot read '{path}': {error.strerror or error}")


def _unwritable(path: Path, error: OSError) -> WriteError:
    return WriteError(f"cannot write the log '{path}': {error.strerror or error}")
