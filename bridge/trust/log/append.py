"""Appending to a log: the new tiles, the new root, the new checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.errors import TransparencyLogError
from bridge.trust.log.checkpoint import Checkpoint, read_checkpoint
from bridge.trust.log.entry_bundle import GREATEST_ENTRY_BYTES, encode_entries
from bridge.trust.log.hashing import HASH_BYTES, leaf_hash
from bridge.trust.log.note import sign_note, verify_note
from bridge.trust.log.note_keys import NoteSigner
from bridge.trust.log.storage import Batch, Storage
from bridge.trust.log.tile import ENTRIES, GREATEST_SIZE, TILE_WIDTH, Tile, hashes_at, tiles_at
from bridge.trust.log.tile_nodes import nodes_in_tiles, root_of_row
from bridge.trust.log.tile_reader import TileReader
from bridge.trust.log.tree import root


@dataclass(frozen=True, slots=True)
class Appended:
    """Where each entry stands now, in the order given; ``added`` of them are new, the others stood there before."""

    indices: tuple[int, ...]
    added: int
    checkpoint: Checkpoint


def append_entries(storage: Storage, entries: Sequence[bytes], signer: NoteSigner) -> Appended:
    """Append the entries that the log does not have yet, each at most 65,535 bytes, under a checkpoint signed by ``signer``.

    A log never signs what contradicts its last signature, so that one is verified first, and the tree that it stands for.
    Raises ``SignatureError`` or ``TransparencyLogError`` where they do not hold, and nothing is written then.
    """
    if too_long := next((entry for entry in entries if len(entry) > GREATEST_ENTRY_BYTES), None):
        raise ValueError(f"an entry of {len(too_long)} bytes, more than {GREATEST_ENTRY_BYTES}")
    with storage.exclusive():
        old = _trusted_head(storage, signer)
        reader = TileReader(storage, old.size)
        places = reader.find(set(entries))
        new = [entry for entry in dict.fromkeys(entries) if entry not in places]
        checkpoint = old
        if new:
            checkpoint = _extend(storage, reader, new, signer)
            places |= {entry: old.size + offset for offset, entry in enumerate(new)}
    return Appended(tuple(places[entry] for entry in entries), len(new), checkpoint)


def _trusted_head(storage: Storage, signer: NoteSigner) -> Checkpoint:
    what = f"{storage.location}/checkpoint"
    signed = read_checkpoint(storage.read_checkpoint(), what=what)
    verify_note(signed.note, [signer.key], what=what)
    head = signed.checkpoint
    if head.origin != signer.name:
        raise TransparencyLogError("origin", f"{what} is of the log {head.origin!r}, and the key is that of {signer.name!r}")
    computed = root(TileReader(storage, head.size).nodes, head.size)
    if computed != head.root:
        raise TransparencyLogError(
            "rewritten",
            f"the tiles of {storage.location} have the root {computed.hex()}, and its checkpoint says {head.root.hex()}; "
            "nothing was appended",
        )
    return head


def _extend(storage: Storage, reader: TileReader, new: Sequence[bytes], signer: NoteSigner) -> Checkpoint:
    size = reader.size + len(new)
    if size > GREATEST_SIZE:
        raise TransparencyLogError("size", f"a log of {size} entries, more than {GREATEST_SIZE}")
    tiles = _new_tiles(reader, [leaf_hash(entry) for entry in new])
    rows = {(tile.level, tile.index): row for tile, row in tiles}
    nodes = nodes_in_tiles(lambda level, start, count: _stored_or_new(reader, rows, level, start, count))
    checkpoint = Checkpoint(signer.name, size, root(nodes, size))
    note = sign_note(checkpoint.to_text(), signer)
    bundles = _new_bundles(reader, new)
    storage.commit(Batch(bundles, tiles, note.to_bytes()))
    # Only the last tile of a level can have been partial before.
    filled = [tile for tile, _ in (*bundles, *tiles) if tile.width == TILE_WIDTH]
    storage.discard_partial([tile for tile in filled if tile.index * TILE_WIDTH < hashes_at(tile.level, reader.size)])
    return checkpoint


def _new_tiles(reader: TileReader, hashes: list[bytes]) -> list[tuple[Tile, bytes]]:
    """The tiles that change when leaves with these ``hashes`` follow, lowest level first."""
    tiles: list[tuple[Tile, bytes]] = []
    level = 0
    while hashes:
        before = hashes_at(level, reader.size)
        start = before - before % TILE_WIDTH
        row = (reader.stored(level, start, before - start) if before > start else b"") + b"".join(hashes)
        hashes = []
        for offset in range(0, len(row), TILE_WIDTH * HASH_BYTES):
            part = row[offset : offset + TILE_WIDTH * HASH_BYTES]
            width = len(part) // HASH_BYTES
            tiles.append((Tile(level, start // TILE_WIDTH + offset // (TILE_WIDTH * HASH_BYTES), width), part))
            if width == TILE_WIDTH:
                hashes.append(root_of_row(part))
        level += 1
    return tiles


def _stored_or_new(reader: TileReader, rows: dict[tuple[int, int], bytes], level: int, start: int, count: int) -> bytes:
    if start + count <= hashes_at(level, reader.size):
        return reader.stored(level, start, count)
    index, first = divmod(start, TILE_WIDTH)
    return rows[level, index][first * HASH_BYTES : (first + count) * HASH_BYTES]


def _new_bundles(reader: TileReader, new: Sequence[bytes]) -> list[tuple[Tile, bytes]]:
    start = reader.size - reader.size % TILE_WIDTH
    entries = [*(reader.entries(start // TILE_WIDTH) if reader.size > start else ()), *new]
    return [
        (tile, encode_entries(entries[tile.index * TILE_WIDTH - start : tile.end - start]))
        for tile in tiles_at(ENTRIES, reader.size + len(new), old_size=reader.size)
    ]
