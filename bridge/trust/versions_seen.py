"""The highest version of each model that was ever accepted here, so that an older one, validly signed, is not taken for news.

A signature does not age: whoever can put files in place can put back last year's model with last year's flaw. The versions are
kept in a small SQLite file, which makes each acceptance atomic and puts processes that accept at once in an order.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bridge.errors import InvalidOptionError, PolicyError

ROLLBACK = "rollback"
"""The rule that the store stands behind."""

_VERSION = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){0,5}")
_WAIT_SECONDS = 10.0
_TABLE = "CREATE TABLE IF NOT EXISTS highest (model TEXT PRIMARY KEY, version TEXT NOT NULL, sha256 TEXT NOT NULL) STRICT"


def parse_version(text: str) -> tuple[int, ...]:
    """``2.10`` as numbers that compare as versions do: 2.9 < 2.10 = 2.10.0. ``InvalidOptionError`` for anything else."""
    if not _VERSION.fullmatch(text):
        raise InvalidOptionError(f"no version: {text[:80]!a}; expected numbers with points between them, as in 2.10")
    numbers = [int(part) for part in text.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def default_place() -> Path:
    """``$XDG_STATE_HOME/cntk-bridge/versions.sqlite``, by default below ``~/.local/state``."""
    state = os.environ.get("XDG_STATE_HOME", "")
    # The base directory specification has relative paths ignored.
    base = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return base / "cntk-bridge" / "versions.sqlite"


class VersionsSeen:
    """The store at ``path``, made when it is first written to. Every fault of it is a ``PolicyError``: no store, no trust."""

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = Path(path) if path is not None else default_place()

    def highest(self, model: str) -> str | None:
        """The highest version of ``model`` that was accepted, or ``None``."""
        if not self.path.exists():
            return None
        with self._opened() as connection:
            return _highest(connection, model)

    def remember(self, model: str, version: str, root_sha256: str) -> None:
        """Accept ``version``. Raises ``PolicyError`` if another process has accepted a higher one."""
        wanted = parse_version(version)
        with self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            highest = _highest(connection, model)
            if highest is not None and parse_version(highest) > wanted:
                connection.execute("ROLLBACK")
                raise PolicyError(ROLLBACK, older(model, version, highest))
            if highest is None or parse_version(highest) < wanted:
                connection.execute(
                    "INSERT INTO highest VALUES (?, ?, ?) ON CONFLICT (model) DO UPDATE SET version = ?2, sha256 = ?3",
                    (model, version, root_sha256),
                )
            connection.execute("COMMIT")

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with closing(sqlite3.connect(self.path, timeout=_WAIT_SECONDS, isolation_level=None)) as connection:
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute(_TABLE)
                yield connection
        except (sqlite3.Error, OSError, InvalidOptionError) as error:
            raise PolicyError(
                ROLLBACK,
                f"the versions accepted so far cannot be read or written in '{self.path}': {error}; repair or restore the file, "
                "or choose another by `versions: {store: ...}` in the policy",
            ) from error


def older(model: str, version: str, highest: str) -> str:
    """Why a version is refused."""
    return f"{model!a} is of version {version}, and {highest} was accepted before: an old model, put back"


def _highest(connection: sqlite3.Connection, model: str) -> str | None:
    row = connection.execute("SELECT version FROM highest WHERE model = ?", (model,)).fetchone()
    return None if row is None else str(row[0])
