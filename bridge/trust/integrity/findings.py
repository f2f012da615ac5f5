"""What a check of libraries found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bridge.errors import IntegrityError

FaultKind = Literal[
    "changed",
    "missing",
    "extra",
    "unreadable",
    "no-record",
    "duplicate",
    "shadowed",
    "not-installed",
    "not-locked",
    "not-as-locked",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was installed or signed for. ``path`` is a file, or the name of a distribution."""

    kind: FaultKind
    path: str
    expected: str
    found: str

    def to_json(self) -> dict[str, str]:
        """The fault for machines."""
        return {"kind": self.kind, "path": self.path, "expected": self.expected, "found": self.found}

    def __str__(self) -> str:
        return f"{self.kind} {self.path}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True)
class LibraryReport:
    """One distribution.

    ``how`` says what its files were held against: its RECORD, or nothing, where it runs from a source tree (then
    ``files_sha256`` is what a lock can hold it to). ``bytecode`` counts cached .pyc files, which no RECORD covers.
    """

    name: str
    version: str
    how: Literal["record", "source-tree", "absent"]
    files: int
    bytes: int
    bytecode: int
    record_sha256: str
    files_sha256: str
    faults: tuple[Fault, ...]
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """The report for machines."""
        return {
            "name": self.name,
            "version": self.version,
            "how": self.how,
            "files": self.files,
            "bytes": self.bytes,
            "bytecode": self.bytecode,
            "record_sha256": self.record_sha256,
            "files_sha256": self.files_sha256,
            "faults": [fault.to_json() for fault in self.faults],
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class StartupFile:
    """A file that Python obeys at every start. ``owner`` is the distribution that installed it, ``None`` where none did."""

    path: str
    sha256: str
    owner: str | None

    def to_json(self) -> dict[str, str | None]:
        """The file for machines."""
        return {"path": self.path, "sha256": self.sha256, "owner": self.owner}


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """All libraries that were checked. ``locked_by`` says who signed the lock that they were held to, ``None`` without a lock."""

    libraries: tuple[LibraryReport, ...]
    startup: tuple[StartupFile, ...]
    startup_faults: tuple[Fault, ...]
    locked_by: str | None
    seconds: float

    @property
    def faults(self) -> Sequence[Fault]:
        """Everything that is amiss."""
        return (*(fault for library in self.libraries for fault in library.faults), *self.startup_faults)

    def raise_for_faults(self) -> None:
        """Raise ``IntegrityError`` for the first fault, if there is one."""
        if not self.faults:
            return
        fault, others = self.faults[0], len(self.faults) - 1
        more = f"and {others} more fault(s); " if others else ""
        raise IntegrityError(
            fault.path,
            expected=fault.expected,
            computed=f"{fault.found} ({fault.kind})",
            advice=f"{more}`bridge doctor --integrity` lists all; install the library anew where you did not change it",
        )

    def to_json(self) -> dict[str, Any]:
        """The report for machines."""
        return {
            "holds": not self.faults,
            "locked_by": self.locked_by,
            "seconds": round(self.seconds, 3),
            "libraries": [library.to_json() for library in self.libraries],
            "startup": [file.to_json() for file in self.startup],
            "startup_faults": [fault.to_json() for fault in self.startup_faults],
        }
