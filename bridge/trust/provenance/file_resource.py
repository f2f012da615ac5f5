"""A single file as a resource: read once, hashed, named."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from bridge.errors import InvalidOptionError
from bridge.trust.provenance.predicates import ROLE
from bridge.trust.provenance.resource import Resource

_AT_ONCE = 1 << 20


def file_resource(path: Path, role: str, *, root: Path | None = None) -> Resource:
    """The file ``path`` by its SHA-256, named by its place below ``root`` where it lies there, otherwise by its own name.

    Raises ``InvalidOptionError`` for what is no regular file or cannot be read.
    """
    try:
        # Not blocked by a pipe that nobody writes to: it is opened, seen to be none, and closed.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InvalidOptionError(f"{path} is not a regular file")
            running, size = hashlib.sha256(), 0
            while piece := file.read(_AT_ONCE):
                running.update(piece)
                size += len(piece)
    except OSError as error:
        raise InvalidOptionError(f"cannot read {path}: {error.strerror}") from error
    return Resource(_name(path, root), digest={"sha256": running.hexdigest()}, annotations={ROLE: role, "bytes": size})


def _name(path: Path, root: Path | None) -> str:
    if root is not None and path.resolve().is_relative_to(root.resolve()):
        return path.resolve().relative_to(root.resolve()).as_posix()
    return path.name
