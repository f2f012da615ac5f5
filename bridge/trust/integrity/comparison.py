"""One distribution held against what it says of itself."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from bridge.trust.integrity.file_hashing import Advance, HashedFile, hash_files
from bridge.trust.integrity.findings import Fault, LibraryReport
from bridge.trust.integrity.installation import Installation, owner_of
from bridge.trust.integrity.record import RecordedFile

_BYTECODE_FOLDER = "__pycache__"
_MODULE_SUFFIXES = (".py", ".so", ".pyd")


def compare(installation: Installation, advance: Advance | None = None) -> LibraryReport:
    """Hash all files of an installed distribution, look for files that it does not have, and for modules that hide its own."""
    recorded = [file for file in installation.files if file.digest is not None]
    hashed = hash_files(installation.root, ((file.path, file.algorithm) for file in recorded), advance)
    listed = {file.path for file in installation.files}
    extra, bytecode = _unlisted(installation.root, listed)
    faults = [*_changed(recorded, hashed), *extra, *_shadowed(installation)]
    if installation.record is None:
        faults.append(Fault("no-record", installation.name, "a RECORD of its files", "none, so that nothing can be checked"))
    return LibraryReport(
        name=installation.name,
        version=installation.version,
        how="record",
        files=len(recorded),
        bytes=sum(file.size for file in hashed.values()),
        bytecode=bytecode,
        record_sha256=hashlib.sha256(installation.record or b"").hexdigest(),
        files_sha256=digest_of_files((path, file.digest) for path, file in hashed.items()),
        faults=tuple(faults),
    )


def digest_of_files(files: Iterable[tuple[str, str]]) -> str:
    """SHA-256, in hexadecimal, over a line for each file in the order of paths: the digest, two blanks, the path."""
    total = hashlib.sha256()
    for path, digest in sorted(files):
        total.update(f"{digest}  {path}\n".encode(errors="surrogateescape"))
    return total.hexdigest()


def _changed(recorded: Iterable[RecordedFile], hashed: dict[str, HashedFile]) -> Iterator[Fault]:
    for file in recorded:
        found = hashed[file.path]
        expected = f"{file.algorithm} {file.digest}"
        if found.fault == "missing":
            yield Fault("missing", file.path, expected, "no file")
        elif found.fault:
            yield Fault("unreadable", file.path, expected, found.fault)
        elif found.digest != file.digest:
            yield Fault("changed", file.path, expected, f"{file.algorithm} {found.digest}")


def _unlisted(root: Path, listed: set[str]) -> tuple[list[Fault], int]:
    """Files in the distribution's own packages that it does not list, and how many of those are cached bytecode."""
    # A folder with an __init__.py is this distribution's own; one without may be shared with others.
    packages = {path.split("/", 1)[0] for path in listed if path.count("/") == 1 and path.endswith("/__init__.py")}
    extra: list[Fault] = []
    bytecode = 0
    for package in sorted(packages):
        for path in _files_beneath(root, package):
            if path.endswith(".pyc") and _is_bytecode_of(path, listed):
                bytecode += 1
            elif path not in listed:
                owner = owner_of(path, root)
                extra.append(Fault("extra", path, "no such file", f"one of {owner}" if owner else "one that nobody installed"))
    return extra, bytecode


def _files_beneath(root: Path, package: str) -> Iterator[str]:
    base = len(str(root)) + 1
    for folder, folders, names in os.walk(root / package):
        inside = folder[base:]
        # A link to a folder is imported from as a folder is, and its files are nobody's.
        yield from (f"{inside}/{name}" for name in folders if Path(folder, name).is_symlink())
        yield from (f"{inside}/{name}" for name in names)


def _is_bytecode_of(path: str, listed: set[str]) -> bool:
    """Whether ``path`` is where Python caches the bytecode of one of the listed sources."""
    folder, _, name = path.rpartition("/")
    package, _, cache = folder.rpartition("/")
    return name.endswith(".pyc") and cache == _BYTECODE_FOLDER and f"{package}/{name.split('.', 1)[0]}.py" in listed


def _shadowed(installation: Installation) -> Iterator[Fault]:
    """Top-level modules that ``import`` would take from somewhere else: an earlier folder on the path hides them."""
    tops = {path.split("/", 1)[0].split(".", 1)[0] for path in map(_top_module, installation.files) if path}
    for name in sorted(tops):
        origin = _origin(name)
        if origin is not None and not origin.is_relative_to(installation.root):
            yield Fault("shadowed", name, f"the module in {installation.root}", str(origin))


def _top_module(file: RecordedFile) -> str:
    parts = file.path.split("/")
    if len(parts) == 2 and parts[1] == "__init__.py":
        return parts[0]
    return parts[0] if len(parts) == 1 and parts[0].endswith(_MODULE_SUFFIXES) else ""


def _origin(name: str) -> Path | None:
    module = sys.modules.get(name)
    try:
        spec = module.__spec__ if module is not None else importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    return Path(os.path.abspath(spec.origin)) if spec is not None and spec.has_location and spec.origin else None  # noqa: PTH100


def describe_source_tree(name: str, version: str, folder: Path, advance: Advance | None = None) -> LibraryReport:
    """A distribution that runs from a source tree: there is no RECORD of its files, so they are hashed for a lock to compare."""
    packages = sorted(path.parent.name for path in folder.glob("*/__init__.py"))
    paths = [path for package in packages for path in _files_beneath(folder, package)]
    sources = [path for path in paths if f"/{_BYTECODE_FOLDER}/" not in path]
    hashed = hash_files(folder, ((path, "sha256") for path in sources), advance)
    faults = [Fault("unreadable", path, "a file", file.fault) for path, file in hashed.items() if file.fault]
    return LibraryReport(
        name=name,
        version=version,
        how="source-tree",
        files=len(hashed),
        bytes=sum(file.size for file in hashed.values()),
        bytecode=len(paths) - len(sources),
        record_sha256="",
        files_sha256=digest_of_files((path, file.digest) for path, file in hashed.items()),
        faults=tuple(faults),
        note=f"runs from the source tree {folder}: not checked against a RECORD; a lock can hold it to its digest",
    )
