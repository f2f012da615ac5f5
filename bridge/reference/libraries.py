"""The shared libraries that CNTK asks for by names that distributions no longer have: found, and linked to by those names.

They are the distribution's, not the lock's: which build of Open MPI is there differs from system to system, and updates replace
it. So what was found is written down with its digest, and a later difference is told apart from a change of what the lock pins.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import ReferenceMissingError
from bridge.reference.lock import Lock, LockedLibrary

_FOLDERS = (
    "/usr/lib/x86_64-linux-gnu",
    "/lib/x86_64-linux-gnu",
    "/usr/lib64",
    "/usr/lib64/openmpi/lib",
    "/usr/lib",
    "/usr/local/lib",
    "/usr/local/mpi/lib",
)
_LDCONFIG = ("/sbin/ldconfig", "/usr/sbin/ldconfig")
_SECONDS = 20


@dataclass(frozen=True, slots=True)
class FoundLibrary:
    """A library of the system: the name CNTK asks for, the file that serves (its version is in its name), its SHA-256."""

    needed: str
    path: Path
    sha256: str


def find_libraries(lock: Lock) -> tuple[FoundLibrary, ...]:
    """All libraries of the lock; ``ReferenceMissingError`` with the ways to get those that are not there."""
    known = dict(_known_to_the_loader())
    found, missing = [], []
    for library in lock.libraries:
        path = _find(library, known)
        if path is None:
            missing.append(library)
        else:
            found.append(FoundLibrary(library.needed, path, digest(path)))
    if missing:
        names = ", ".join(f"{library.needed} (or {', '.join(library.provided_by[1:])})" for library in missing)
        packages = " ".join(sorted({library.package for library in missing}))
        raise ReferenceMissingError(
            f"CNTK needs the shared libraries {names}, which this system does not have; `apt-get install {packages}` on Debian "
            "and Ubuntu, `dnf install openmpi` on Fedora"
        )
    return tuple(found)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def link_libraries(folder: Path, libraries: tuple[FoundLibrary, ...]) -> None:
    """A link by the needed name for each of ``libraries``, in the new ``folder``."""
    folder.mkdir()
    for library in libraries:
        (folder / library.needed).symlink_to(library.path)


def _find(library: LockedLibrary, known: dict[str, Path]) -> Path | None:
    for name in library.provided_by:
        for candidate in (known.get(name), *(Path(folder) / name for folder in _FOLDERS)):
            if candidate is not None and candidate.is_file():
                return candidate.resolve()
    return None


def _known_to_the_loader() -> Iterator[tuple[str, Path]]:
    """What ``ldconfig -p`` lists: name and path; nothing where there is no such program."""
    for program in _LDCONFIG:
        if not Path(program).is_file():
            continue
        with suppress(OSError, subprocess.TimeoutExpired):
            ran = subprocess.run([program, "-p"], capture_output=True, check=False, timeout=_SECONDS, text=True)  # noqa: S603
            for line in ran.stdout.splitlines():
                name, arrow, path = line.partition(" => ")
                if arrow and "x86-64" in name:
                    yield name.split()[0], Path(path.strip())
        return
