"""The tiles of a tree of one size, read from a storage and measured before they are used."""

from __future__ import annotations

from functools import lru_cache

from bridge.errors import TransparencyLogError
from bridge.trust.log.entry_bundle import decode_entries
from bridge.trust.log.hashing import HASH_BYTES
from bridge.trust.log.storage import Storage
from bridge.trust.log.tile import ENTRIES, TILE_WIDTH, Tile, hashes_at, tiles_at
from bridge.trust.log.tile_nodes import nodes_in_tiles
from bridge.trust.log.tree import Nodes

_KEPT_TILES = 1024  # 8 MiB of hashes.
_FEW = 16


class TileReader:
    """The hashes and entries of the first ``size`` entries of a log."""

    def __init__(self, storage: Storage, size: int) -> None:
        self._storage = storage
        self.size = size
        self._row = lru_cache(maxsize=_KEPT_TILES)(self._read_row)
        self.nodes: Nodes = nodes_in_tiles(self.stored)

    def stored(self, level: int, start: int, count: int) -> bytes:
        """``count`` hashes of ``level`` from the one at ``start`` on, within one tile."""
        row = self._row(level, start // TILE_WIDTH)
        first = start % TILE_WIDTH * HASH_BYTES
        return row[first : first + count * HASH_BYTES]

    def entries(self, index: int) -> list[bytes]:
        """The entries of bundle ``index`` that belong to the tree."""
        tile = self._tile(ENTRIES, index)
        return self._decoded(tile, *self._read(tile))

    def find(self, wanted: set[bytes]) -> dict[bytes, int]:
        """Where each of the ``wanted`` entries stands first; those that the log does not have are left out."""
        places: dict[bytes, int] = {}
        for tile in tiles_at(ENTRIES, self.size):
            if len(places) == len(wanted):
                break
            found, data = self._read(tile)
            # A search for a few byte strings takes a hundredth of the time that it takes to decode a bundle.
            if len(wanted) <= _FEW and not any(entry in data for entry in wanted):
                continue
            for offset, entry in enumerate(self._decoded(tile, found, data)):
                if entry in wanted:
                    places.setdefault(entry, tile.index * TILE_WIDTH + offset)
        return places

    def _decoded(self, tile: Tile, found: Tile, data: bytes) -> list[bytes]:
        return decode_entries(data, found.width, what=f"{self._storage.location}/{found.path}")[: tile.width]

    def _read_row(self, level: int, index: int) -> bytes:
        tile = self._tile(level, index)
        found, data = self._read(tile)
        if len(data) != found.width * HASH_BYTES:
            raise TransparencyLogError(
                "tile",
                f"{self._storage.location}/{found.path} has {len(data)} bytes; expected {found.width * HASH_BYTES}",
            )
        return data[: tile.width * HASH_BYTES]

    def _tile(self, level: int, index: int) -> Tile:
        return Tile(level, index, min(TILE_WIDTH, hashes_at(level, self.size) - index * TILE_WIDTH))

    def _read(self, tile: Tile) -> tuple[Tile, bytes]:
        """The tile as far as the tree goes, or the full one that has taken its place since."""
        for candidate in dict.fromkeys((tile, tile.full)):
            if (data := self._storage.read_tile(candidate)) is not None:
                return candidate, data
        raise TransparencyLogError("missing", f"{self._storage.location}/{tile.path} is missing; the checkpoint covers it")
