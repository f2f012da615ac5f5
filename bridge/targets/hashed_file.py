"""A file whose SHA-256 is known when its last byte is written, without reading it again."""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from types import TracebackType
from typing import Self

# The writer stays at most this far ahead of the hash, so that computed tensors do not pile up in memory.
_CHUNK = 4 << 20
_CHUNKS_AHEAD = 4

# Pieces below this size are gathered: a model has thousands of headers of some ten bytes.
_GATHERED_BELOW = 64 << 10
_GATHERED_AT_ONCE = 1 << 20


class HashedFile:
    """Writes bytes to ``descriptor`` and hashes them in a thread of its own, without copying large pieces.

    What is written must not change afterwards. ``finish`` gives the hash; leaving the context without it abandons the work.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._gathered = bytearray()
        self._sha256 = hashlib.sha256()
        self._chunks: queue.Queue[bytes | memoryview | None] = queue.Queue(_CHUNKS_AHEAD)
        self._thread = threading.Thread(target=self._hash, name="output-sha256", daemon=True)
        self._thread.start()
        self.size = 0
        """Bytes written so far."""

    def write(self, piece: bytes | memoryview) -> None:
        """Append ``piece``: bytes, or a memoryview of single bytes."""
        self.size += len(piece)
        if len(piece) < _GATHERED_BELOW:
            self._gathered += piece
            if len(self._gathered) >= _GATHERED_AT_ONCE:
                self._write_gathered()
            return
        self._write_gathered()
        whole = memoryview(piece)
        for start in range(0, len(whole), _CHUNK):
            self._write_through(whole[start : start + _CHUNK])

    def finish(self) -> str:
        """The SHA-256 of everything written, as 64 hexadecimal digits, once all of it is written."""
        self._write_gathered()
        self._stop()
        return self._sha256.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()

    def _write_gathered(self) -> None:
        if self._gathered:
            gathered, self._gathered = self._gathered, bytearray()
            self._write_through(memoryview(gathered))

    def _write_through(self, chunk: memoryview) -> None:
        # Handed over first: the hash, the slower of the two, runs while the system copies.
        self._chunks.put(chunk)
        written = 0
        while written < len(chunk):
            written += os.write(self._descriptor, chunk[written:])

    def _stop(self) -> None:
        if self._thread.is_alive():
            self._chunks.put(None)
            self._thread.join()

    def _hash(self) -> None:
        while (chunk := self._chunks.get()) is not None:
            self._sha256.update(chunk)
