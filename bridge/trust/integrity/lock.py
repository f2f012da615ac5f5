"""A lock: the libraries of one machine as somebody found them good, and signed. An in-toto statement in a Sigstore bundle.

A RECORD lies beside the files that it lists; who can write the one can write the other. A lock is signed elsewhere.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bridge.errors import InvalidBundleError
from bridge.trust.bundle import sign_statement, verify_bundle
from bridge.trust.integrity.findings import IntegrityReport, LibraryReport
from bridge.trust.json_members import Members
from bridge.trust.signers import Signer, Verifier
from bridge.trust.statement import Statement, Subject

LOCK_TYPE = "https://cntk-bridge.dev/library-lock/v1"


@dataclass(frozen=True, slots=True)
class LockedLibrary:
    """A distribution as it was. ``record_sha256`` is empty where it ran from a source tree."""

    name: str
    version: str
    files: int
    record_sha256: str
    files_sha256: str

    def to_json(self) -> dict[str, Any]:
        """The library as the statement has it."""
        return {
            "name": self.name,
            "version": self.version,
            "files": self.files,
            "record_sha256": self.record_sha256,
            "files_sha256": self.files_sha256,
        }


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock whose signature holds. ``startup`` has the SHA-256 of each file that Python obeys at every start, by its name."""

    libraries: tuple[LockedLibrary, ...]
    startup: tuple[tuple[str, str], ...]
    signed_by: str

    def library(self, name: str) -> LockedLibrary | None:
        """The library of this name, if the lock has it."""
        return next((library for library in self.libraries if library.name == name), None)


def sign_lock(report: IntegrityReport, signer: Signer) -> bytes:
    """The lock of the libraries in ``report``, which must hold: ``IntegrityError`` where it does not."""
    report.raise_for_faults()
    libraries = [_locked(library) for library in report.libraries if library.how != "absent"]
    subjects = tuple(Subject(f"{item.name}=={item.version}", {"sha256": item.files_sha256}) for item in libraries)
    predicate = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": [library.to_json() for library in libraries],
        "startup": [{"name": name, "sha256": digest} for name, digest in startup_by_name(report)],
    }
    return sign_statement(Statement(subjects, LOCK_TYPE, predicate), signer)


def _locked(library: LibraryReport) -> LockedLibrary:
    return LockedLibrary(library.name, library.version, library.files, library.record_sha256, library.files_sha256)


def startup_by_name(report: IntegrityReport) -> tuple[tuple[str, str], ...]:
    """The files that Python obeys at every start: their names without folders, and digests."""
    return tuple(sorted((file.path.rsplit("/", 1)[-1], file.sha256) for file in report.startup))


def read_lock(data: bytes, verifier: Verifier) -> Lock:
    """The lock in a bundle. Raises ``SignatureError`` unless ``verifier`` trusts its signer, ``InvalidBundleError`` otherwise."""
    verified = verify_bundle(data, verifier)
    if verified.statement.predicate_type != LOCK_TYPE:
        raise InvalidBundleError("another kind of statement", field="predicateType", expected=LOCK_TYPE)
    predicate = Members(dict(verified.statement.predicate), "predicate")
    predicate.only("created", "python", "platform", "libraries", "startup")
    libraries = tuple(_library(item) for item in predicate.objects("libraries"))
    if len({library.name for library in libraries}) != len(libraries):
        raise InvalidBundleError("a library that is locked twice", field="predicate.libraries")
    startup = tuple((item.text("name"), item.text("sha256")) for item in predicate.objects("startup"))
    return Lock(libraries, startup, verified.identity.name)


def _library(members: Members) -> LockedLibrary:
    members.only("name", "version", "files", "record_sha256", "files_sha256")
    return LockedLibrary(
        name=members.text("name"),
        version=members.text("version"),
        files=int(members.number("files")),
        record_sha256=members.text("record_sha256"),
        files_sha256=members.text("files_sha256"),
    )
