"""Whether an installed environment is what the lock pins: files against the RECORD of their wheel, RECORDs against the lock.

Hashing it all takes a second or two, so it is done once for each engine; before each use, the identity and the change time of
every file are compared with those of that moment. The change time is the kernel's: writing to a file sets it, and its owner
cannot put it back.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bridge.errors import ReferenceChangedError
from bridge.reference.description import InstallationDescription, read_description
from bridge.reference.environment import DESCRIPTION, LIBRARIES, MODULES
from bridge.reference.libraries import digest
from bridge.reference.lock import Lock, LockedWheel, load_lock

_RECORD_BYTES = 64 << 20
_NAMED = 5  # files that an error names; the status lists all


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file whose content is not the expected one; digests are SHA-256 in hexadecimal, or a word on what it is instead."""

    path: str
    expected: str
    computed: str


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """What is off in an installation. Paths are relative to its root, but for files of the system."""

    root: Path
    files: int
    bytes: int
    seconds: float
    changed: tuple[ChangedFile, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    system: tuple[ChangedFile, ...]  # the interpreter and the libraries, which the lock does not pin

    @property
    def holds(self) -> bool:
        """Whether nothing is off."""
        return not (self.changed or self.missing or self.extra or self.system)

    def sentences(self) -> list[str]:
        """Everything that is off, one sentence each."""
        return [
            *(f"{item.path}: changed: expected {item.expected}, computed {item.computed}" for item in self.changed),
            *(f"{path}: missing" for path in self.missing),
            *(f"{path}: in no wheel of the lock" for path in self.extra),
            *(
                f"{item.path}: replaced since the installation: expected {item.expected}, computed {item.computed}; an update of "
                "the system does that: if you know of one, install again"
                for item in self.system
            ),
        ]

    def to_json(self) -> dict[str, Any]:
        """Everything in JSON's types."""
        return {**asdict(self), "root": str(self.root), "holds": self.holds}


@dataclass(frozen=True, slots=True)
class _Expected:
    sha256: str
    known: bool = True  # by a RECORD that the lock vouches for


class InstalledFiles:
    """The files of an installation in ``root``."""

    def __init__(self, root: Path, lock: Lock | None = None) -> None:
        self.root = root
        self._lock = lock or load_lock()
        self._seen: dict[str, tuple[int, ...]] = {}

    def check(self) -> IntegrityReport:
        """Hash everything, and say all that is off."""
        started = time.monotonic()
        description = read_description(self.root / DESCRIPTION)
        found = dict(_walk(self.root, MODULES))
        expected, changed = self._expected()
        present = [path for path in expected if path in found]
        with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
            digests = dict(zip(present, pool.map(lambda path: _content(self.root / path), present), strict=True))
        changed += [
            ChangedFile(path, expected[path].sha256, digests[path])
            for path in present
            if expected[path].known and digests[path] != expected[path].sha256
        ]
        links = dict(_walk(self.root, LIBRARIES))
        changed += _changed_links(self.root, description)
        needed = {f"{LIBRARIES}/{library.needed}" for library in description.libraries}
        return IntegrityReport(
            root=self.root,
            files=len(found),
            bytes=sum(status.st_size for status in found.values()),
            seconds=time.monotonic() - started,
            changed=tuple(changed),
            missing=tuple(sorted((set(expected) - set(found)) | (needed - set(links)))),
            extra=tuple(sorted((set(found) - set(expected)) | (set(links) - needed))),
            system=tuple(_changed_system_files(description)),
        )

    def check_contents(self) -> IntegrityReport:
        """As ``check``, and ``ReferenceChangedError`` if anything is off. Remembers what the files look like from outside."""
        before = self._signature()
        report = self.check()
        if not report.holds:
            sentences = report.sentences()
            more = f"\n  and {len(sentences) - _NAMED} more" if len(sentences) > _NAMED else ""
            raise ReferenceChangedError(
                f"the reference engine in {self.root} is not what the lock pins:\n  "
                + "\n  ".join(sentences[:_NAMED])
                + more
                + "\n  it was not started; `bridge reference install` makes it anew"
            )
        self._seen = before
        return report

    def check_untouched(self) -> None:
        """``ReferenceChangedError`` if a file appeared, vanished or was written to since ``check_contents``."""
        now = self._signature()
        differing = sorted(path for path in now.keys() | self._seen.keys() if now.get(path) != self._seen.get(path))
        if differing:
            raise ReferenceChangedError(
                f"the reference engine in {self.root} was changed while it was in use: {', '.join(differing[:_NAMED])}"
                "; `bridge reference status` says what is off"
            )

    def _signature(self) -> dict[str, tuple[int, ...]]:
        files = (*_walk(self.root, MODULES), *_walk(self.root, LIBRARIES))
        return {path: (s.st_dev, s.st_ino, s.st_mode, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for path, s in files}

    def _expected(self) -> tuple[dict[str, _Expected], list[ChangedFile]]:
        """Every file that should be there, and the RECORDs that are not those of the lock."""
        expected: dict[str, _Expected] = {}
        changed: list[ChangedFile] = []
        for wheel in self._lock.wheels:
            record = f"{MODULES}/{wheel.record}"
            expected[record] = _Expected(wheel.record_sha256, known=False)  # Looked at here, not with the others.
            data = _record_bytes(self.root / record)
            if data is None:
                continue
            computed = hashlib.sha256(data).hexdigest()
            genuine = computed == wheel.record_sha256
            if not genuine:
                changed.append(ChangedFile(record, wheel.record_sha256, computed))
            for path, sha256 in _entries(data, wheel):
                expected[f"{MODULES}/{path}"] = _Expected(sha256, known=genuine)
            for path, sha256 in wheel.corrections:
                expected[f"{MODULES}/{path}"] = _Expected(sha256)
        return expected, changed


def _record_bytes(path: Path) -> bytes | None:
    try:
        with path.open("rb") as stream:
            return stream.read(_RECORD_BYTES)
    except OSError:
        return None


def _entries(record: bytes, wheel: LockedWheel) -> Iterator[tuple[str, str]]:
    """Path and SHA-256 of every file that a RECORD lists, but for itself, which has no digest.

    Lines out of form are passed over: they can only be those of a RECORD that is reported already.
    """
    for row in csv.reader(record.decode("utf-8", "replace").splitlines()):
        if len(row) == 3 and row[0] != wheel.record and row[1].startswith("sha256="):
            padded = row[1].removeprefix("sha256=") + "=="
            try:
                yield row[0], base64.urlsafe_b64decode(padded).hex()
            except ValueError:
                continue


def _walk(root: Path, folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """Everything below ``root/folder`` that is no folder, links not followed; paths are relative to ``root``."""
    pending = [folder]
    while pending:
        inner = pending.pop()
        try:
            entries = sorted(os.scandir(root / inner), key=lambda entry: entry.name)
        except FileNotFoundError:
            continue
        for entry in entries:
            path = f"{inner}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                pending.append(path)
            else:
                yield path, entry.stat(follow_symlinks=False)


def _content(path: Path) -> str:
    """SHA-256 of a regular file; a word for anything else, which no digest equals."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return f"unreadable ({error.strerror})"
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return "no regular file"
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _changed_links(root: Path, description: InstallationDescription) -> list[ChangedFile]:
    found = []
    for library in description.libraries:
        link = root / LIBRARIES / library.needed
        if link.is_symlink() and link.readlink() != library.path:
            found.append(
                ChangedFile(f"{LIBRARIES}/{library.needed}", f"a link to {library.path}", f"a link to {link.readlink()}")
            )
        elif link.exists() and not link.is_symlink():
            found.append(ChangedFile(f"{LIBRARIES}/{library.needed}", f"a link to {library.path}", "a file"))
    return found


def _changed_system_files(description: InstallationDescription) -> Iterator[ChangedFile]:
    for path, sha256 in description.system_files():
        try:
            computed = digest(path)
        except OSError as error:
            computed = f"unreadable ({error.strerror})"
        if computed != sha256:
            yield ChangedFile(str(path), sha256, computed)
