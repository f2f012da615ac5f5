"""A log in one SQLite file: the same resources under the same names, and so the same roots, in one transaction per append.

Triggers refuse what a log never does. They keep honest programs honest; against whoever edits the file there is the audit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bridge.errors import TransparencyLogError, WriteError
from bridge.trust.log.entry_bundle import GREATEST_BUNDLE_BYTES
from bridge.trust.log.storage import Batch
from bridge.trust.log.tile import Tile

APPLICATION_ID = 0x626C6F67  # "blog" in the file's header, by which `file` and we tell it from other databases.
_BUSY_SECONDS = 60.0
_SCHEMA = {
    "tiles": "CREATE TABLE tiles (path TEXT PRIMARY KEY NOT NULL, data BLOB NOT NULL)",
    "checkpoints": "CREATE TABLE checkpoints (number INTEGER PRIMARY KEY AUTOINCREMENT, note BLOB NOT NULL)",
    "tiles_stay": "CREATE TRIGGER tiles_stay BEFORE UPDATE ON tiles BEGIN SELECT RAISE(ABORT, 'a log is append-only'); END",
    "full_tiles_stay": (
        "CREATE TRIGGER full_tiles_stay BEFORE DELETE ON tiles WHEN NOT EXISTS (SELECT 1 FROM tiles"
        " WHERE instr(OLD.path, '.p/') > 0 AND path = substr(OLD.path, 1, instr(OLD.path, '.p/') - 1))"
        " BEGIN SELECT RAISE(ABORT, 'a log is append-only'); END"
    ),
    "checkpoints_stay": (
        "CREATE TRIGGER checkpoints_stay BEFORE UPDATE ON checkpoints BEGIN SELECT RAISE(ABORT, 'a log is append-only'); END"
    ),
    "checkpoints_remain": (
        "CREATE TRIGGER checkpoints_remain BEFORE DELETE ON checkpoints BEGIN SELECT RAISE(ABORT, 'a log is append-only'); END"
    ),
}


class SqliteStorage:
    """The log in a SQLite file, which exists."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._faults():
            self._connection = _connect(path, "rw")
        try:
            self._refuse_other_schema()
        except BaseException:
            self._connection.close()
            raise

    @classmethod
    def create(cls, path: Path, checkpoint: bytes) -> SqliteStorage:
        """A new log; ``WriteError`` where something stands there already."""
        if path.exists() or path.is_symlink():
            raise WriteError(f"cannot make a log of '{path}': it exists; name a new file")
        try:
            connection = _connect(path, "rwc")
            try:
                with _transaction(connection):
                    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                    for statement in _SCHEMA.values():
                        connection.execute(statement)
                    connection.execute("INSERT INTO checkpoints (note) VALUES (?)", (checkpoint,))
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise WriteError(f"cannot write the log '{path}': {error}") from error
        return cls(path)

    def _refuse_other_schema(self) -> None:
        """A database made by someone else could hold views and triggers that run when it is read."""
        with self._faults():
            found = dict(self._connection.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' LIMIT 100"))
            (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        if found != _SCHEMA or application != APPLICATION_ID:
            raise TransparencyLogError("storage", f"'{self._path}' is a database, but not one that `bridge log init` makes")

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise TransparencyLogError("storage", f"cannot read '{self._path}': {error}") from error

    @property
    def location(self) -> str:
        """See ``Storage``."""
        return str(self._path)

    def read_checkpoint(self) -> bytes:
        """See ``Storage``."""
        with self._faults():
            row = self._connection.execute("SELECT note FROM checkpoints ORDER BY number DESC LIMIT 1").fetchone()
        if row is None:
            raise TransparencyLogError("storage", f"'{self._path}' has no checkpoint")
        return _blob(row[0], self._path)

    def read_tile(self, tile: Tile) -> bytes | None:
        """See ``Storage``."""
        with self._faults():
            row = self._connection.execute("SELECT data FROM tiles WHERE path = ?", (tile.path,)).fetchone()
        return None if row is None else _blob(row[0], self._path)

    def stored_names(self) -> Iterator[str]:
        """See ``Storage``."""
        with self._faults():
            for (name,) in self._connection.execute("SELECT path FROM tiles"):
                yield str(name)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """See ``Storage``."""
        try:
            with _transaction(self._connection):
                yield
        except sqlite3.Error as error:
            raise WriteError(f"cannot write the log '{self._path}': {error}") from error

    def commit(self, batch: Batch) -> None:
        """See ``Storage``. It is for good at the end of ``exclusive``."""
        rows = [(tile.path, data) for tile, data in (*batch.entries, *batch.tiles)]
        self._connection.executemany("INSERT INTO tiles (path, data) VALUES (?, ?)", rows)
        self._connection.execute("INSERT INTO checkpoints (note) VALUES (?)", (batch.checkpoint,))

    def discard_partial(self, full: Sequence[Tile]) -> None:
        """See ``Storage``."""
        # All names that begin with ".p/": the character after "/" is "0".
        ranges = [(f"{tile.path}.p/", f"{tile.path}.p0") for tile in full]
        self._connection.executemany("DELETE FROM tiles WHERE path >= ? AND path < ?", ranges)

    def close(self) -> None:
        """See ``Storage``."""
        self._connection.close()


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    # isolation_level None: transactions begin and end where the code says so, and not where the module guesses.
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2 * GREATEST_BUNDLE_BYTES)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    # A commit returns when the medium has it, the removal of the journal included.
    connection.execute("PRAGMA synchronous = EXTRA")
    return connection


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _blob(value: object, path: Path) -> bytes:
    if not isinstance(value, bytes):
        raise TransparencyLogError("storage", f"'{path}' holds something else than bytes where a tile or checkpoint is kept")
    return value
