"""Tiles: 256 consecutive hashes of one level, or 256 consecutive entries, each one resource (C2SP tlog-tiles)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bridge.errors import InvalidBundleError

TILE_WIDTH = 256
LEVELS_PER_TILE = 8
HIGHEST_LEVEL = 63
ENTRIES = -1
"""The level of entry bundles, which lie below the leaf hashes; their paths spell it ``entries``."""
GREATEST_SIZE = 1 << 62  # Entries; far from any log, and safe to shift.

_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """One resource of a log: ``width`` hashes of ``level``, or entries where ``level`` is ``ENTRIES``."""

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Its name below the log, as in ``tile/0/x001/x234/067.p/8``."""
        groups = [f"{self.index % 1000:03d}"]
        rest = self.index // 1000
        while rest:
            groups.append(f"x{rest % 1000:03d}")
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"

    @property
    def full(self) -> Tile:
        """The tile that this one becomes when it is filled."""
        return Tile(self.level, self.index)

    @property
    def end(self) -> int:
        """How many hashes (or entries) of its level there are up to its last one."""
        return self.index * TILE_WIDTH + self.width

    @classmethod
    def from_path(cls, path: str) -> Tile:
        """The tile of this name; ``InvalidBundleError`` where it is no tile's, or not spelled as the specification spells it."""
        match = _PATH.fullmatch(path)
        if match is None or len(path) > 64:
            raise InvalidBundleError("not the path of a tile", found=repr(path[:100]))
        level = ENTRIES if match["level"] == "entries" else int(match["level"])
        index = int(match["index"].replace("x", "").replace("/", ""))
        tile = cls(level, index, int(match["width"] or TILE_WIDTH))
        if level > HIGHEST_LEVEL or tile.path != path:
            raise InvalidBundleError("a tile's path in another spelling than its own", expected=tile.path, found=path)
        return tile


def hashes_at(level: int, size: int) -> int:
    """How many hashes ``level`` has in a tree of ``size`` entries; for ``ENTRIES``, the entries themselves."""
    return size if level == ENTRIES else size >> (LEVELS_PER_TILE * level)


def levels_of(size: int) -> Iterator[int]:
    """The levels that a tree of ``size`` entries has tiles on, the leaf hashes' first; that of the entries is not among them."""
    level = 0
    while hashes_at(level, size):
        yield level
        level += 1


def tiles_at(level: int, size: int, *, old_size: int = 0) -> Iterator[Tile]:
    """The tiles of ``level`` of a tree of ``size`` entries that a tree of ``old_size`` does not have."""
    count, old_count = hashes_at(level, size), hashes_at(level, old_size)
    if count == old_count:
        return
    for index in range(old_count // TILE_WIDTH, -(-count // TILE_WIDTH)):
        yield Tile(level, index, min(TILE_WIDTH, count - index * TILE_WIDTH))


def within(tile: Tile, size: int) -> bool:
    """Whether all that ``tile`` holds belongs to a tree of ``size`` entries."""
    return tile.end <= hashes_at(tile.level, size)
