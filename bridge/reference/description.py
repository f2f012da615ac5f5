"""``installation.json``: what an installation was made with that the lock does not pin, namely the system's part in it.

It lies beside what it describes, so that it shows accidents and updates, not the work of somebody who can write there; the
modules, which do the computing, are held against the lock instead.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.errors import ReferenceChangedError
from bridge.reference.interpreter import Interpreter
from bridge.reference.libraries import FoundLibrary, digest

FORMAT = "reference-installation/1"
_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class InstallationDescription:
    """The interpreter, by path and digests, and the libraries of the system."""

    python: Path
    python_version: str
    executable: Path
    executable_sha256: str
    library: Path
    library_sha256: str
    libraries: tuple[FoundLibrary, ...]

    def system_files(self) -> Iterator[tuple[Path, str]]:
        """Every file of the system that was written down, with its SHA-256 at that time."""
        yield self.executable, self.executable_sha256
        yield self.library, self.library_sha256
        for library in self.libraries:
            yield library.path, library.sha256


def describe(interpreter: Interpreter, libraries: tuple[FoundLibrary, ...]) -> InstallationDescription:
    """What is there now."""
    return InstallationDescription(
        python=interpreter.path,
        python_version=interpreter.version,
        executable=interpreter.executable,
        executable_sha256=digest(interpreter.executable),
        library=interpreter.library,
        library_sha256=digest(interpreter.library),
        libraries=libraries,
    )


def write_description(path: Path, description: InstallationDescription) -> None:
    """Write it to the new file ``path``."""
    document = {
        "format": FORMAT,
        "python": {
            "path": str(description.python),
            "version": description.python_version,
            "executable": str(description.executable),
            "executable_sha256": description.executable_sha256,
            "library": str(description.library),
            "library_sha256": description.library_sha256,
        },
        "libraries": [
            {"needed": library.needed, "path": str(library.path), "sha256": library.sha256} for library in description.libraries
        ],
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def read_description(path: Path) -> InstallationDescription:
    """Read it back; ``ReferenceChangedError`` where it is damaged."""
    try:
        with path.open("rb") as stream:
            document = json.loads(stream.read(_BYTES))
        if document["format"] != FORMAT:
            raise ReferenceChangedError(f"{path}: expected format {FORMAT!r}, found {document['format']!r}; install again")
        return _parse(document)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ReferenceChangedError(f"{path}: not the description of an installation: {error!r}; install again") from error


def _parse(document: Any) -> InstallationDescription:
    python = document["python"]
    return InstallationDescription(
        python=Path(python["path"]),
        python_version=str(python["version"]),
        executable=Path(python["executable"]),
        executable_sha256=str(python["executable_sha256"]),
        library=Path(python["library"]),
        library_sha256=str(python["library_sha256"]),
        libraries=tuple(
            FoundLibrary(_file_name(entry["needed"]), Path(entry["path"]), str(entry["sha256"]))
            for entry in document["libraries"]
        ),
    )


def _file_name(value: Any) -> str:
    if not isinstance(value, str) or "/" in value or value in {"", ".", ".."}:
        raise ValueError(f"expected the name of a file, found {value!r}")
    return value
