"""Files that appear whole or not at all.

A file is written under a name that nobody can guess or has, in the folder where it is to stand, and renamed when it is complete.
What stood at its place stays until then, and for good when something fails. See ``docs/adr/0003-onnx-file-layout.md``.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from bridge.errors import WriteError


class StagedFile:
    """A new file on its way to ``destination``: open for writing as ``descriptor``, removed at the end unless put in place."""

    def __init__(self, destination: Path) -> None:
        refuse_unsuitable(destination)
        self.destination = destination
        self.path = _hidden_beside(destination)
        # 0o666 is what ``open`` asks for as well: the umask takes away what the user does not want.
        self.descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)

    def close(self) -> None:
        """Close the file. An error that the system kept back until now (quota, network) comes out here."""
        if self.descriptor >= 0:
            descriptor, self.descriptor = self.descriptor, -1
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with suppress(OSError):
            self.close()
        with suppress(OSError):  # Put in place by now: there is nothing left to remove.
            self.path.unlink()


def refuse_unsuitable(destination: Path) -> None:
    """Raise ``WriteError`` if ``destination`` exists and is no regular file. A symbolic link is replaced, not followed."""
    try:
        mode = destination.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise WriteError(f"cannot write '{destination}': it is a folder; name a file in it")
    if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
        raise WriteError(f"cannot write '{destination}': it is a device, a pipe or a socket; name a regular file")


def put_in_place(files: Sequence[StagedFile]) -> None:
    """Give complete files their names, the last of them being the one that refers to the others.

    A single file replaces its predecessor in one step. Several cannot, so the predecessors are moved aside first, the referring
    one before those that it refers to: a reader, or a crash in between, finds the old set, the new set, or no referring file,
    and never an old model with new weights. If a step fails, the old set is put back.
    """
    for file in files:
        file.close()
    if len(files) == 1:
        files[0].path.replace(files[0].destination)
        return
    aside: list[tuple[Path, Path]] = []
    placed: list[Path] = []
    try:
        for file in reversed(files):
            if os.path.lexists(file.destination):
                hidden = _hidden_beside(file.destination)
                file.destination.rename(hidden)
                aside.append((hidden, file.destination))
        for file in files:
            file.path.rename(file.destination)
            placed.append(file.destination)
    except BaseException:
        _put_back(aside, placed)
        raise
    for hidden, _ in aside:
        with suppress(OSError):  # The new files stand; one that cannot be removed is no reason to say that they do not.
            hidden.unlink()


def _put_back(aside: list[tuple[Path, Path]], placed: list[Path]) -> None:
    for path in reversed(placed):
        with suppress(OSError):
            path.unlink()
    for hidden, destination in reversed(aside):
        with suppress(OSError):
            hidden.rename(destination)


def _hidden_beside(destination: Path) -> Path:
    # Not made from the destination's own name, which may already be as long as a file system allows.
    return destination.with_name(f".bridge-{secrets.token_hex(12)}.tmp")
