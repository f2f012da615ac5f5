"""Digests of opened files, several at once: hashlib lets go of the interpreter while it works, so threads are enough.

A file in pieces (shards) is hashed by as many threads as there are processors. A file as a whole is one chain of SHA-256 blocks,
which no second thread can help with; BLAKE3 is a tree, and its library spreads one file over threads by itself.

Files are read by ``pread`` into a buffer and never mapped: a mapped file that somebody cuts short ends the process with SIGBUS.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING

from bridge.errors import SourceChangedError
from bridge.trust.digests import DEFAULT_ALGORITHM, FileDigest, Hasher, hasher_of, root_digest
from bridge.trust.resource_names import GIT_NAMES, OWN_NAMES, beneath
from bridge.trust.small_files import StrPath
from bridge.trust.tree import OpenedFile, OpenedRoot

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["Take", "hash_files", "hash_tree", "root_digest"]

Take = Callable[[OpenedFile], memoryview | None]
"""Reads a file into memory that nobody else can write to, to be hashed in the file's place; ``None`` leaves it on disk."""

Advance = Callable[[int], None]
"""Told how many more bytes are hashed, from any thread."""

_BUFFER_BYTES = {"blake3": 16 << 20}  # Large enough for its threads to share.
_DEFAULT_BUFFER_BYTES = 1 << 20


def hash_tree(
    root: StrPath | OpenedRoot,
    *,
    algorithm: str = DEFAULT_ALGORITHM,
    shard_size: int | None = None,
    ignore: Iterable[str] = (*GIT_NAMES, *OWN_NAMES),
    allow_hard_links: bool = False,
) -> tuple[FileDigest, ...]:
    """The digest of every regular file beneath ``root`` that is not ignored, by name; of every piece of it with a ``shard_size``.

    ``ignore`` holds paths beneath the root, each of which stands for what lies in it too. Raises ``UnsafePathError`` for links,
    pipes and the like, ``SourceChangedError`` if a file changes meanwhile.
    """
    with ExitStack() as stack:
        opened = (
            root if isinstance(root, OpenedRoot) else stack.enter_context(OpenedRoot(root, allow_hard_links=allow_hard_links))
        )
        files = opened.files(beneath(ignore))
        return hash_files(files, algorithm=algorithm, shard_size=shard_size)


def hash_files(
    files: Iterator[OpenedFile],
    *,
    algorithm: str = DEFAULT_ALGORITHM,
    shard_size: int | None = None,
    take: Take | None = None,
    advance: Advance | None = None,
) -> tuple[FileDigest, ...]:
    """The digest of each file, or of each piece of ``shard_size`` bytes, sorted by name. Closes every file.

    With ``take`` the bytes that it returns are hashed, so that what was verified is what is used, whatever happens on disk.
    """
    work = _Work(hasher_of(algorithm), _BUFFER_BYTES.get(algorithm, _DEFAULT_BUFFER_BYTES), advance)
    with ExitStack() as stack:
        pieces = _pieces(files, shard_size, take, stack)
        first = list(islice(pieces, 2))
        # One piece needs no second thread, nor the import that it costs.
        hashed = [work.hash(piece) for piece in first] if len(first) < 2 else _in_parallel(work, chain(first, pieces))
    return tuple(sorted((FileDigest(name, algorithm, digest) for name, digest in hashed), key=lambda file: file.name))


@dataclass(slots=True)
class _Shared:
    """A file whose pieces are hashed by different threads; the last of them closes it."""

    file: OpenedFile
    taken: memoryview | None
    left: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    closed: bool = False

    def finish_one(self) -> None:
        """Close the file after its last piece. Raises ``SourceChangedError`` if it was read from disk and changed meanwhile."""
        with self.lock:
            self.left -= 1
            if self.left:
                return
        if self.taken is None:
            self.file.check_unchanged()
        self.close()

    def close(self) -> None:
        with self.lock:
            if not self.closed:
                self.closed = True
                self.file.close()


@dataclass(frozen=True, slots=True)
class _Piece:
    source: _Shared
    name: str
    start: int
    end: int


def byte_ranges(size: int, shard_size: int | None) -> Iterator[tuple[int, int]]:
    """The pieces of a file: itself, or ranges of ``shard_size`` bytes the last shorter, none for an empty file."""
    if shard_size is None:
        yield 0, size
        return
    for start in range(0, size, shard_size):
        yield start, min(size, start + shard_size)


def _pieces(files: Iterator[OpenedFile], shard_size: int | None, take: Take | None, stack: ExitStack) -> Iterator[_Piece]:
    for file in files:
        count = 1 if shard_size is None else -(-file.size // shard_size)
        source = _Shared(file, None, max(count, 1))
        # Whatever goes wrong, nothing stays open.
        stack.callback(source.close)
        if take is not None:
            source.taken = take(file)
            if source.taken is not None and source.taken.nbytes != file.size:
                raise SourceChangedError(
                    f"{file.name!r} changed while it was read",
                    expected=f"{file.size} bytes",
                    found=f"{source.taken.nbytes} bytes",
                )
        if not count:
            source.finish_one()
        for start, end in byte_ranges(file.size, shard_size):
            yield _Piece(source, file.name if shard_size is None else f"{file.name}:{start}:{end}", start, end)


class _Work:
    """Hashes pieces. One instance serves all threads, each with a buffer of its own."""

    def __init__(self, new_hasher: Callable[[], Hasher], buffer_bytes: int, advance: Advance | None) -> None:
        self._new_hasher = new_hasher
        self._buffer_bytes = buffer_bytes
        self._advance = advance
        self._local = threading.local()

    def hash(self, piece: _Piece) -> tuple[str, str]:
        """The piece's name and digest."""
        hasher = self._new_hasher()
        for chunk in self._chunks(piece):
            hasher.update(chunk)
            if self._advance is not None:
                self._advance(len(chunk))
        piece.source.finish_one()
        return piece.name, hasher.hexdigest()

    def _chunks(self, piece: _Piece) -> Iterator[memoryview]:
        taken = piece.source.taken
        if taken is not None:
            octets = taken.cast("B")
            for start in range(piece.start, piece.end, 64 << 20):
                yield octets[start : min(piece.end, start + (64 << 20))]
            return
        buffer = self._buffer(piece.end - piece.start)
        position = piece.start
        while position < piece.end:
            count = piece.source.file.read_at(position, buffer[: piece.end - position])
            position += count
            yield buffer[:count]

    def _buffer(self, needed: int) -> memoryview:
        buffer: memoryview | None = getattr(self._local, "buffer", None)
        wanted = min(self._buffer_bytes, needed)
        if buffer is None or len(buffer) < wanted:
            buffer = self._local.buffer = memoryview(bytearray(wanted))
        return buffer


def _in_parallel(work: _Work, pieces: Iterable[_Piece]) -> list[tuple[str, str]]:
    # Costs a fortieth of a second, which the signature of a single file need not pay.
    from concurrent.futures import ThreadPoolExecutor

    threads = max(2, len(os.sched_getaffinity(0)))
    # Files are opened as they are needed: no more are open than can be worked on soon.
    room = threading.BoundedSemaphore(4 * threads)
    futures: list[Future[tuple[str, str]]] = []
    failed = threading.Event()

    def done(future: Future[tuple[str, str]]) -> None:
        if not future.cancelled() and future.exception() is not None:
            failed.set()
        room.release()

    with ThreadPoolExecutor(threads) as pool:
        try:
            for piece in pieces:
                room.acquire()
                if failed.is_set():
                    room.release()
                    break
                future = pool.submit(work.hash, piece)
                future.add_done_callback(done)
                futures.append(future)
        except BaseException:
            for future in futures:
                future.cancel()
            raise
    return [future.result() for future in futures]
