"""A disk that loses what was not flushed: the operations of a real one, and a loss of power that takes what had not reached it.

What POSIX promises is little: a file's bytes are there after fsync on it, a name after fsync on its folder. Of the changes to
names since then any selection may have reached the medium, in any order of folders.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

FOLDER = None
"""What a folder's name stands for; a file's name stands for its bytes."""


class PowerLossError(Exception):
    """The moment at which the power goes."""


class LossyDisk:
    """The disk at ``root``, which is read once; the power goes before operation ``last``."""

    def __init__(self, root: Path, last: int) -> None:
        self.durable: dict[str, bytes | None] = {
            str(path.relative_to(root)): path.read_bytes() if path.is_file() else FOLDER for path in sorted(root.rglob("*"))
        }
        self.current = dict(self.durable)
        self.pending: list[tuple[str, bytes | None, bool]] = []
        self.left = last

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise PowerLossError

    def _change(self, name: str, value: bytes | None, *, gone: bool = False) -> None:
        if gone:
            self.current.pop(name, None)
        else:
            self.current[name] = value
        self.pending.append((name, value, gone))

    def read(self, name: str, limit: int) -> bytes | None:
        data = self.current.get(name)
        return None if data is None else data[: limit + 1]

    def names(self, folder: str) -> Iterator[str]:
        yield from [name for name, value in self.current.items() if name.startswith(f"{folder}/") and value is not FOLDER]

    def make_folder(self, name: str) -> bool:
        if name in self.current:
            return False
        self._count()
        self._change(name, FOLDER)
        return True

    def write_new(self, name: str, data: bytes) -> None:
        self._count()
        assert name not in self.current
        self._change(name, data)

    def rename(self, name: str, destination: str) -> None:
        self._count()
        assert str(Path(destination).parent) in {".", *self.current}
        data = self.current[name]
        self._change(name, None, gone=True)
        self._change(destination, data)

    def remove(self, name: str) -> None:
        if name in self.current:
            self._count()
            self._change(name, None, gone=True)

    def flush_folder(self, name: str) -> None:
        self._count()
        there = [change for change in self.pending if str(Path(change[0]).parent) == name]
        self.pending = [change for change in self.pending if str(Path(change[0]).parent) != name]
        self._apply(self.durable, there)

    @staticmethod
    def _apply(files: dict[str, bytes | None], changes: list[tuple[str, bytes | None, bool]]) -> None:
        for name, value, gone in changes:
            if gone:
                files.pop(name, None)
            else:
                files[name] = value

    def after_power_loss(self, choice: Random | None, root: Path) -> None:
        """Write to ``root`` what is on the medium: what was flushed, and of the rest what ``choice`` draws, or all of it."""
        files = dict(self.durable)
        self._apply(
            files, [change for change in self.pending if choice is None or choice.random() < choice.choice((0.1, 0.5, 0.9))]
        )
        root.mkdir()
        for name in sorted(files):
            data, path = files[name], root / name
            if not path.parent.is_dir():  # A file in a folder whose own name was lost is lost with it.
                continue
            if data is None:
                path.mkdir()
            else:
                path.write_bytes(data)
