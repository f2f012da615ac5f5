"""A folder that appears whole or not at all: filled beside its place under a hidden name, and renamed when it is complete."""

from __future__ import annotations

import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from bridge.errors import WriteError
from bridge.package.contents import (
    BILL_OF_MATERIALS,
    CLAIMS,
    INTERFACE,
    ONNX_DATA,
    ONNX_MODEL,
    REPORTS,
    SIGNATURE,
    TORCH_README,
    TORCH_SOURCE,
    TORCH_WEIGHTS,
    TWIN,
)
from bridge.targets.write_failures import explained

_KNOWN = frozenset(
    {
        ONNX_MODEL,
        ONNX_DATA,
        TORCH_SOURCE,
        TORCH_WEIGHTS,
        TORCH_README,
        INTERFACE,
        REPORTS,
        TWIN,
        BILL_OF_MATERIALS,
        SIGNATURE,
        CLAIMS,
    }
)


class StagedFolder:
    """``path`` is the folder to fill, which nobody else can enter; removed at the end unless ``put_in_place`` was called.

    A package that stands at ``destination`` is replaced then. Anything else there is refused with ``WriteError``.
    """

    def __init__(self, destination: Path) -> None:
        _refuse_unsuitable(destination)
        self.destination = destination
        self.path = _hidden_beside(destination)
        with explained(destination):
            self.path.mkdir(mode=0o700)

    def put_in_place(self) -> None:
        """Give the folder its name. What stood there is moved aside first, and put back if that fails."""
        with explained(self.destination):
            # As any other new folder: who may enter it is for the umask to say.
            self.path.chmod(0o777 & ~_umask())
            aside = _hidden_beside(self.destination)
            replaced = self.destination.exists()
            if replaced:
                _refuse_unsuitable(self.destination)
                self.destination.rename(aside)
            try:
                self.path.rename(self.destination)
            except BaseException:
                if replaced:
                    aside.rename(self.destination)
                raise
        if replaced:
            shutil.rmtree(aside, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with suppress(OSError):
            shutil.rmtree(self.path, ignore_errors=True)


def _refuse_unsuitable(destination: Path) -> None:
    """Only a package, or an empty folder, is ever replaced: everything in it goes with it."""
    if destination.is_symlink() or (destination.exists() and not destination.is_dir()):
        raise WriteError(f"cannot write the package '{destination}': a file or link is there; name a folder")
    if not destination.exists():
        return
    foreign = sorted(entry.name for entry in destination.iterdir() if entry.name not in _KNOWN)
    if foreign:
        raise WriteError(
            f"cannot write the package '{destination}': the folder holds {foreign[0]!a}, which no package does, and would be "
            "replaced as a whole; name another folder"
        )


def _hidden_beside(destination: Path) -> Path:
    return destination.with_name(f".bridge-{secrets.token_hex(12)}.tmp")


def _umask() -> int:
    # Python can only read the mask by setting it, which other threads would see; the kernel tells it here.
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    line = next((line for line in status.splitlines() if line.startswith("Umask:")), "Umask:\t0077")
    return int(line.split()[1], 8)
