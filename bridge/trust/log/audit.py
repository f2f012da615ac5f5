"""The audit of a log by whoever does not trust it: everything is computed anew from the entries.

    1. The checkpoint has the published form, the log's own key signed it, and no witness's cosignature is forged.
    2. Every entry that the checkpoint covers is there, and their Merkle tree has the checkpoint's root.
    3. Every stored tile that belongs to the tree holds the tree's hashes, and none that it needs is missing.
    4. Every older checkpoint that the auditor kept is one of the same log, at one of its former sizes, with the root it had then.

Without step 4 a log that was cut off at the end, with its last checkpoint put back, looks like a log: keep checkpoints elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bridge.errors import TransparencyLogError
from bridge.trust.log.checkpoint import Checkpoint, SignedCheckpoint, read_checkpoint
from bridge.trust.log.cosignature import Cosignature, verify_cosignatures
from bridge.trust.log.entry_bundle import decode_entries, encode_entries
from bridge.trust.log.hashing import HASH_BYTES, leaf_hash
from bridge.trust.log.note import verify_note
from bridge.trust.log.note_keys import NoteKey
from bridge.trust.log.storage import Storage
from bridge.trust.log.tile import ENTRIES, TILE_WIDTH, Tile, levels_of, tiles_at, within
from bridge.trust.log.tile_nodes import nodes_in_tiles, root_of_row
from bridge.trust.log.tile_reader import TileReader
from bridge.trust.log.tree import Nodes, root

Progress = Callable[[int, int], None]
"""Called with how many entries were read, and how many there are."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found to hold. ``signed_by`` is ``None`` where no key was given to check the signature with.

    ``uncommitted`` names what lies in the log and is not covered by the checkpoint: left by an append that was interrupted.
    """

    checkpoint: Checkpoint
    note: bytes
    signed_by: NoteKey | None
    cosignatures: tuple[Cosignature, ...]
    tiles: int
    uncommitted: tuple[str, ...]
    older: tuple[Checkpoint, ...]


def audit_log(
    storage: Storage,
    *,
    keys: Sequence[NoteKey],
    witnesses: Iterable[NoteKey] = (),
    older: Sequence[tuple[str, bytes]] = (),
    progress: Progress = lambda _done, _all: None,
) -> Audit:
    """Audit the log; ``older`` are names and bytes of checkpoints that were kept.

    With no ``keys`` the signatures are not looked at, and the result says so. Raises ``InvalidBundleError``, ``SignatureError``
    or ``TransparencyLogError``, whose ``reason`` names what was done to the log.
    """
    # 1. The checkpoint.
    what = f"{storage.location}/checkpoint"
    note = storage.read_checkpoint()
    signed = read_checkpoint(note, what=what)
    signed_by = _signed_by(signed, keys, what)
    cosignatures = verify_cosignatures(signed.note, witnesses, what=what)
    head = signed.checkpoint
    kept = [(name, _kept_checkpoint(name, data, head, keys)) for name, data in older]
    # 2. The entries and their root.
    tree = _RecomputedTree(storage, head.size, progress)
    if (computed := root(tree.nodes, head.size)) != head.root:
        raise TransparencyLogError(
            "rewritten",
            f"the entries of {storage.location} have the root {computed.hex()}; its checkpoint says {head.root.hex()}",
        )
    # 3. The tiles.
    tiles, uncommitted = _check_tiles(storage, tree)
    # 4. The past.
    for name, checkpoint in kept:
        _check_past(name, checkpoint, tree)
    return Audit(head, note, signed_by, cosignatures, tiles, uncommitted, tuple(checkpoint for _, checkpoint in kept))


def _signed_by(signed: SignedCheckpoint, keys: Sequence[NoteKey], what: str) -> NoteKey | None:
    if not keys:
        return None
    key = verify_note(signed.note, keys, what=what)
    if key.name != signed.checkpoint.origin:
        raise TransparencyLogError(
            "origin", f"{what} is of the log {signed.checkpoint.origin!r}, signed by the key of {key.name!r}"
        )
    return key


def _kept_checkpoint(name: str, data: bytes, head: Checkpoint, keys: Sequence[NoteKey]) -> Checkpoint:
    signed = read_checkpoint(data, what=name)
    _signed_by(signed, keys, name)
    kept = signed.checkpoint
    if kept.origin != head.origin:
        raise TransparencyLogError("origin", f"{name} is of the log {kept.origin!r}, and this one is {head.origin!r}")
    if kept.size > head.size:
        raise TransparencyLogError(
            "rollback",
            f"the log has {head.size} entries, and {name} shows that it had {kept.size}: "
            "its end was cut off, or an old copy put in its place",
        )
    if kept.size == head.size and kept.root != head.root:
        raise TransparencyLogError(
            "fork",
            f"two roots for {head.size} entries, {head.root.hex()} here and {kept.root.hex()} in {name}: "
            "there are two versions of this log",
        )
    return kept


def _check_past(name: str, kept: Checkpoint, tree: _RecomputedTree) -> None:
    if (computed := root(tree.nodes, kept.size)) != kept.root:
        raise TransparencyLogError(
            "rewritten",
            f"the log's first {kept.size} entries have the root {computed.hex()}, and {name} shows that it was "
            f"{kept.root.hex()}: the past was changed",
        )


class _RecomputedTree:
    """The hashes of a log, computed from its entries alone: 33 bytes in memory for each entry."""

    def __init__(self, storage: Storage, size: int, progress: Progress) -> None:
        self.size = size
        self.rows = [bytearray()]
        reader = TileReader(storage, size)
        for tile in tiles_at(ENTRIES, size):
            for entry in reader.entries(tile.index):
                self.rows[0] += leaf_hash(entry)
            progress(tile.end, size)
        for level in range(1, len(list(levels_of(size)))):
            below = self.rows[level - 1]
            full = len(below) - len(below) % (TILE_WIDTH * HASH_BYTES)
            step = TILE_WIDTH * HASH_BYTES
            self.rows.append(bytearray().join(root_of_row(bytes(below[at : at + step])) for at in range(0, full, step)))
        self.nodes: Nodes = nodes_in_tiles(self.stored)

    def stored(self, level: int, start: int, count: int) -> bytes:
        """``count`` hashes of ``level`` from the one at ``start`` on."""
        return bytes(self.rows[level][start * HASH_BYTES : (start + count) * HASH_BYTES])

    def holds(self, tile: Tile, data: bytes, what: str) -> bool:
        """Whether ``data``, called ``what``, is what this tile of the tree has to hold."""
        row = data
        if tile.level == ENTRIES:
            row = b"".join(leaf_hash(entry) for entry in decode_entries(data, tile.width, what=what))
        return row == self.stored(max(tile.level, 0), tile.index * TILE_WIDTH, tile.width)


def _check_tiles(storage: Storage, tree: _RecomputedTree) -> tuple[int, tuple[str, ...]]:
    """How many tiles were compared, and what lies beyond the tree."""
    sound: set[Tile] = set()
    uncommitted: list[str] = []
    for name in storage.stored_names():
        tile = Tile.from_path(name)
        if not within(tile, tree.size):
            uncommitted.append(name)
            continue
        data = storage.read_tile(tile)
        if data is None:  # Removed since it was listed, by an append that filled it.
            continue
        if not tree.holds(tile, data, f"{storage.location}/{name}"):
            raise _wrong_tile(storage, tile)
        sound.add(tile)
    reader = TileReader(storage, tree.size)
    for level in (ENTRIES, *levels_of(tree.size)):
        for tile in tiles_at(level, tree.size):
            if tile in sound or tile.full in sound:
                continue
            # Filled while we looked: the first part of the full tile is this one.
            data = (
                encode_entries(reader.entries(tile.index))
                if level == ENTRIES
                else reader.stored(level, tile.index * TILE_WIDTH, tile.width)
            )
            if not tree.holds(tile, data, tile.path):
                raise _wrong_tile(storage, tile)
    return len(sound), tuple(sorted(uncommitted))


def _wrong_tile(storage: Storage, tile: Tile) -> TransparencyLogError:
    return TransparencyLogError("tile", f"{storage.location}/{tile.path} does not hold what the log's entries make of it")
