"""Where a log is kept: what every kind of storage promises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from bridge.trust.log.tile import Tile


@dataclass(frozen=True, slots=True)
class Batch:
    """What one append adds: entry bundles, tiles of hashes, and the checkpoint that covers them."""

    entries: Sequence[tuple[Tile, bytes]]
    tiles: Sequence[tuple[Tile, bytes]]
    checkpoint: bytes


class Storage(Protocol):
    """A log's resources by name.

    Whoever reads takes the checkpoint first, and then the tiles of a tree of its size: those stay while others append.
    Faults of the medium raise ``TransparencyLogError`` (``storage``), or ``WriteError`` where something was to be written.
    """

    @property
    def location(self) -> str:
        """Where it is, for messages."""

    def read_checkpoint(self) -> bytes:
        """The newest checkpoint."""

    def read_tile(self, tile: Tile) -> bytes | None:
        """The bytes stored under exactly this tile's name, ``None`` where there are none. Their length is whatever it is."""

    def stored_names(self) -> Iterator[str]:
        """The names of all that is stored below ``tile/``, in no order; they need not be names of tiles."""

    def exclusive(self) -> AbstractContextManager[None]:
        """Within it, and there alone, one commits and discards; nobody else does. ``WriteError`` after a minute's wait."""

    def commit(self, batch: Batch) -> None:
        """Store a batch for good. After a crash at any point the log is the one before or the one after, never one in between."""

    def discard_partial(self, full: Sequence[Tile]) -> None:
        """Remove the partial tiles that these full ones, which are stored, have taken the place of."""

    def close(self) -> None:
        """Let go of it."""
