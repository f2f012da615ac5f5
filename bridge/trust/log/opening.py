"""Which storage a path stands for."""

from __future__ import annotations

import os
from pathlib import Path

from bridge.errors import TransparencyLogError
from bridge.trust.log.checkpoint import Checkpoint
from bridge.trust.log.folder_storage import FolderStorage
from bridge.trust.log.hashing import EMPTY_ROOT
from bridge.trust.log.note import sign_note
from bridge.trust.log.note_keys import NoteSigner
from bridge.trust.log.sqlite_storage import SqliteStorage
from bridge.trust.log.storage import Storage

SQLITE_SUFFIXES = frozenset({".sqlite", ".sqlite3", ".db"})


def open_log(path: str | os.PathLike[str]) -> Storage:
    """The log at ``path``: a folder of tiles, or a SQLite file. ``TransparencyLogError`` where there is none."""
    location = Path(path)
    if location.is_dir():
        return FolderStorage(location)
    if location.is_file():
        return SqliteStorage(location)
    raise TransparencyLogError("storage", f"no log at '{location}'; `bridge log init` makes one")


def create_log(path: str | os.PathLike[str], signer: NoteSigner) -> Storage:
    """A new, empty log called ``signer.name``: a SQLite file where the name ends as one's does, a folder otherwise."""
    location = Path(path)
    checkpoint = sign_note(Checkpoint(signer.name, 0, EMPTY_ROOT).to_text(), signer).to_bytes()
    if location.suffix.lower() in SQLITE_SUFFIXES:
        return SqliteStorage.create(location, checkpoint)
    return FolderStorage.create(location, checkpoint)
