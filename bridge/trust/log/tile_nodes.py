"""The complete subtrees of a tree whose hashes are kept in tiles: seven levels in eight are computed from the one below."""

from __future__ import annotations

from collections.abc import Callable

from bridge.trust.log.hashing import HASH_BYTES, node_hash
from bridge.trust.log.tile import LEVELS_PER_TILE
from bridge.trust.log.tree import Nodes

StoredHashes = Callable[[int, int, int], bytes]
"""``(level, start, count)`` -> ``count`` hashes of a level of tiles from the one at ``start`` on, all in one tile."""


def nodes_in_tiles(stored: StoredHashes) -> Nodes:
    """The function that proofs are made with, over hashes in tiles."""

    def node(level: int, index: int) -> bytes:
        tile_level, above = divmod(level, LEVELS_PER_TILE)
        count = 1 << above
        return root_of_row(stored(tile_level, index * count, count))

    return node


def root_of_row(row: bytes) -> bytes:
    """The node above a power of two of hashes in a row."""
    layer = [row[i : i + HASH_BYTES] for i in range(0, len(row), HASH_BYTES)]
    while len(layer) > 1:
        layer = [node_hash(layer[i], layer[i + 1]) for i in range(0, len(layer), 2)]
    return layer[0]
