"""The lock: every wheel of the reference engine with its SHA-256, and the libraries that the system has to bring.

``record_sha256`` is the digest of the wheel's own list of files with their digests (RECORD), so that an installed environment can
be checked without the wheel, and a RECORD that was rewritten together with a file is noticed. ``corrections`` are digests of
files for which the published wheel's own RECORD is wrong: CNTK's publishers changed its WHEEL after the RECORD was written.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class LockedWheel:
    """One wheel: what it is called, its size in bytes, the SHA-256 of the file and of its RECORD."""

    project: str
    version: str
    file: str
    bytes: int
    sha256: str
    record: str  # its path in the wheel
    record_sha256: str
    corrections: tuple[tuple[str, str], ...] = ()

    @property
    def requirement(self) -> str:
        """As pip wants it in a file of requirements."""
        return f"{self.project}=={self.version} --hash=sha256:{self.sha256}"


@dataclass(frozen=True, slots=True)
class LockedLibrary:
    """A shared library that CNTK asks for by an old name, and the names under which distributions have it today."""

    needed: str
    provided_by: tuple[str, ...]
    package: str  # Debian's


@dataclass(frozen=True, slots=True)
class Lock:
    """Everything that the environment is made of."""

    python: str  # major.minor
    machine: str  # as platform.machine() says it
    wheels: tuple[LockedWheel, ...]
    libraries: tuple[LockedLibrary, ...]


@cache
def load_lock() -> Lock:
    """The lock that this release was made with."""
    document = json.loads(resources.files("bridge.reference").joinpath("lock.json").read_text(encoding="utf-8"))
    return Lock(
        python=document["python"],
        machine=document["machine"],
        wheels=tuple(
            LockedWheel(**{**entry, "corrections": tuple(entry.get("corrections", {}).items())}) for entry in document["wheels"]
        ),
        libraries=tuple(
            LockedLibrary(entry["needed"], tuple(entry["provided_by"]), entry["package"]) for entry in document["libraries"]
        ),
    )
