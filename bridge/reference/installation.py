"""Makes the engine's environment: wheels checked, unpacked beside its place, tried out, and given their place as a whole.

Wheels are unpacked, not installed: no program runs meanwhile, nothing is compiled or rewritten, and what lies there afterwards is
what the wheels' RECORDs list, file by file. See ``docs/adr/0010-reference-engine.md``.
"""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bridge.errors import InvalidOptionError, ReferenceChangedError, WriteError
from bridge.reference.description import describe, write_description
from bridge.reference.environment import DESCRIPTION, LIBRARIES, MODULES, Environment, default_root, installed_environment
from bridge.reference.interpreter import Interpreter, find_interpreter
from bridge.reference.libraries import FoundLibrary, find_libraries, link_libraries
from bridge.reference.lock import Lock, LockedWheel, load_lock
from bridge.reference.staged_folder import StagedFolder
from bridge.reference.trial import try_out
from bridge.reference.wheels import fetch_wheels

Report = Callable[[str, float], None]
"""Called with what is being done, and how much of the whole is done, from 0 to 1."""

_FETCHED, _UNPACKED = 0.6, 0.9  # How much of the whole is done when the step has ended.


@dataclass(frozen=True, slots=True)
class Installation:
    """What was installed, and what the trial evaluation found."""

    root: Path
    environment: Environment
    libraries: tuple[FoundLibrary, ...]
    files: int
    bytes: int
    network: str  # what the engine can reach, as Confinement has it
    isolation: str


def install(
    into: str | os.PathLike[str] | None = None,
    *,
    wheels: str | os.PathLike[str] | None = None,
    python: str | os.PathLike[str] | None = None,
    lock: Lock | None = None,
    report: Report = lambda _step, _done: None,
) -> Installation:
    """Install the engine in ``into`` (the user's data directory), from the folder ``wheels`` or from pip's index.

    Raises ``ReferenceMissingError`` where a wheel, a library or a Python is missing, ``ReferenceChangedError`` for a wheel that
    is not the lock's, ``InvalidOptionError`` for a folder that holds something else, ``WriteError`` where it cannot be
    written. Whatever fails, an engine that was there before stays.
    """
    lock = lock or load_lock()
    root = Path(into).absolute() if into is not None else default_root()
    _refuse_other_folder(root)
    report("looking for a Python that CNTK runs in", 0.0)
    interpreter = find_interpreter(python, lock)
    libraries = find_libraries(lock)
    total = sum(wheel.bytes for wheel in lock.wheels)
    fetched = fetch_wheels(
        lock, interpreter, Path(wheels) if wheels is not None else None, lambda step, done: report(step, _FETCHED * done / total)
    )
    try:
        with StagedFolder(root) as staged:
            _build(staged.path, fetched, interpreter, libraries, report)
            report("checking every file, and evaluating a small network", _UNPACKED)
            environment = installed_environment(staged.path)
            assert environment is not None
            trial = try_out(environment, lock)
            staged.put_in_place()
    except OSError as error:
        raise WriteError(f"cannot install into {root}: {error.strerror or error}; nothing that was there has changed") from error
    placed = installed_environment(root)
    assert placed is not None
    report("done", 1.0)
    return Installation(root, placed, libraries, trial.files, trial.bytes, trial.confinement.network, trial.confinement.files)


def _refuse_other_folder(root: Path) -> None:
    if os.path.lexists(root) and not root.is_dir():
        raise InvalidOptionError(f"{root}: expected a folder, or nothing yet")
    if root.is_dir() and any(root.iterdir()) and not (root / DESCRIPTION).is_file():
        raise InvalidOptionError(f"{root}: expected an installation of the engine or an empty folder; it holds something else")


def _build(
    staged: Path,
    wheels: Mapping[LockedWheel, bytes],
    interpreter: Interpreter,
    libraries: tuple[FoundLibrary, ...],
    report: Report,
) -> None:
    modules = staged / MODULES
    modules.mkdir()
    total = sum(wheel.bytes for wheel in wheels)
    done = 0
    for wheel, data in wheels.items():
        report(f"unpacking {wheel.file}", _FETCHED + (_UNPACKED - _FETCHED) * done / total)
        unpack_wheel(data, wheel, modules)
        done += wheel.bytes
    link_libraries(staged / LIBRARIES, libraries)
    write_description(staged / DESCRIPTION, describe(interpreter, libraries))


def unpack_wheel(data: bytes, wheel: LockedWheel, folder: Path) -> None:
    """Unpack the checked bytes of a wheel into ``folder``, every file read-only.

    ``ReferenceChangedError`` for a wheel whose entries would lie elsewhere; the lock has none.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            path = PurePosixPath(member.filename)
            if path.is_absolute() or ".." in path.parts or not path.parts:
                raise ReferenceChangedError(
                    f"{wheel.file}: its entry {member.filename!r} lies outside of the folder to unpack to"
                )
            if member.is_dir():
                continue
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o444)
            with os.fdopen(descriptor, "wb") as stream, archive.open(member) as source:
                shutil.copyfileobj(source, stream, 1 << 20)
