"""Folders that appear whole or not at all: filled under a name that nobody has, beside their place, and renamed."""

from __future__ import annotations

import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self


class StagedFolder:
    """A new folder ``path`` on its way to ``destination``, removed at the end unless put in place.

    What stood at the destination stays until then. Raises ``OSError`` where the system refuses.
    """

    def __init__(self, destination: Path) -> None:
        self.destination = destination
        self.path = _hidden_beside(destination)
        self.path.mkdir(parents=True)

    def put_in_place(self) -> None:
        """Give the folder its name. One that was there is moved aside first, and removed afterwards, or put back."""
        aside = _hidden_beside(self.destination)
        existed = self.destination.is_dir()
        if existed:
            self.destination.rename(aside)
        try:
            self.path.rename(self.destination)
        except OSError:
            if existed:
                with suppress(OSError):
                    aside.rename(self.destination)
            raise
        shutil.rmtree(aside, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def _hidden_beside(destination: Path) -> Path:
    return destination.with_name(f".bridge-{secrets.token_hex(12)}.tmp")
