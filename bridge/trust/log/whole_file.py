"""Small files that appear whole or not at all: checkpoints to remember, proofs, public keys."""

from __future__ import annotations

import os
from pathlib import Path

from bridge.errors import WriteError
from bridge.targets.atomic import StagedFile, put_in_place


def write_whole(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path``, in place of what stood there. Raises ``WriteError``."""
    try:
        with StagedFile(path) as file:
            view = memoryview(data)
            while view:
                view = view[os.write(file.descriptor, view) :]
            os.fsync(file.descriptor)
            put_in_place([file])
    except OSError as error:
        raise WriteError(f"cannot write '{path}': {error.strerror}") from error
