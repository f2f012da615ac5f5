"""A data set as a Merkle tree: one digest for all of its files, and a short proof for each.

Leaves are ``sha256(0x00 || canonical)``, where ``canonical`` is the JSON object of path, sha256 and size with its keys in order
and no blanks, in UTF-8; nodes are ``sha256(0x01 || left || right)``, split as in RFC 9162. Paths are relative, with ``/``, in
Unicode's NFC, and sorted by their UTF-8 bytes. Names count, order on disk and times do not. Links and pipes are refused.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from bridge.errors import InvalidBundleError, InvalidOptionError
from bridge.trust.json_members import Members
from bridge.trust.provenance.predicates import DATASET, MANIFEST_MEDIA_TYPE, ROLE
from bridge.trust.provenance.resource import Resource
from bridge.trust.resource_names import name_fault
from bridge.trust.small_files import read_small_file
from bridge.trust.strict_json import JsonLimits, parse
from bridge.trust.tree import OpenedFile, OpenedRoot

FORMAT = "cntk-bridge/dataset-manifest/1"
MANIFEST_BYTES_AT_MOST = 256 << 20

_AT_ONCE = 4 << 20
_LIMITS = JsonLimits(bytes=MANIFEST_BYTES_AT_MOST, values=20_000_000)
_SHA256_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: ``path`` below the data set's folder, ``size`` in bytes, SHA-256 as 64 hexadecimal digits."""

    path: str
    size: int
    sha256: str

    def leaf(self) -> bytes:
        """The leaf's digest, 32 bytes."""
        canonical = json.dumps(
            {"path": self.path, "sha256": self.sha256, "size": self.size},
            ensure_ascii=False,
            separators=(",", ":"),
            sort_keys=True,
        )
        return hashlib.sha256(b"\0" + canonical.encode()).digest()


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of a data set in order; ``root`` is the Merkle root as 64 hexadecimal digits."""

    name: str
    entries: tuple[Entry, ...]
    root: str

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size for entry in self.entries)

    def to_bytes(self) -> bytes:
        """The manifest as a file, one entry per line."""
        lines = ",\n".join(
            json.dumps({"path": entry.path, "size": entry.size, "sha256": entry.sha256}, ensure_ascii=False)
            for entry in self.entries
        )
        head = json.dumps({"format": FORMAT, "name": self.name, "root": self.root}, ensure_ascii=False)
        return f'{head[:-1]}, "files": [\n{lines}\n]}}\n'.encode()

    def to_resource(self) -> Resource:
        """The data set as a dependency of a training: its digest is the Merkle root."""
        annotations = {ROLE: DATASET, "digestOf": FORMAT, "files": len(self.entries), "bytes": self.size}
        return Resource(self.name, digest={"sha256": self.root}, media_type=MANIFEST_MEDIA_TYPE, annotations=annotations)


def manifest_of(folder: Path) -> Manifest:
    """Hash all files below ``folder``. Raises ``UnsafePathError`` for links and the like, ``InvalidOptionError`` for a file."""
    with OpenedRoot(folder) as root:
        if not root.is_folder:
            raise InvalidOptionError(f"{folder} is not a folder; a data set of one file is hashed as the only file of a folder")
        entries = [_entry(file) for file in root.files(lambda _: False)]
        return _manifest(root.name, entries, what=str(folder))


def read_manifest(data: bytes, *, what: str) -> Manifest:
    """The manifest in ``data``; ``InvalidBundleError`` if it is none, or its root is not that of its entries."""
    members = Members(parse(data, what=what, limits=_LIMITS))
    members.only("format", "name", "root", "files")
    if members.text("format") != FORMAT:
        raise InvalidBundleError(
            f"{what} is another kind of file", field="format", expected=FORMAT, found=ascii(members.text("format")[:100])
        )
    entries = [_read_entry(Members(item, f"files[{index}]"), item) for index, item in enumerate(members.array("files"))]
    manifest = _manifest(members.text("name", most=500), entries, what=what)
    if manifest.root != members.text("root"):
        raise InvalidBundleError(
            f"{what} does not fit its own root", field="root", expected=manifest.root, found=members.text("root")
        )
    return manifest


def manifest_resource(dataset: Path) -> Resource:
    """A data set, given as its folder or as a manifest of it, as a dependency of a training."""
    if dataset.is_dir():
        return manifest_of(dataset).to_resource()
    data = read_small_file(dataset, what="the data set's manifest", most=MANIFEST_BYTES_AT_MOST)
    return read_manifest(data, what=str(dataset)).to_resource()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf digests, as RFC 9162 (2.1.1) has it: the left half is the largest power of two below their number."""
    if not leaves:
        return hashlib.sha256().digest()
    # Pairwise from the bottom, an odd one handed up as it is: the same tree as the split from the top, without recursion.
    level = list(leaves)
    while len(level) > 1:
        paired = [hashlib.sha256(b"\1" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def _manifest(name: str, entries: list[Entry], *, what: str) -> Manifest:
    ordered = sorted(entries, key=lambda entry: entry.path.encode())
    for earlier, later in pairwise(ordered):
        if earlier.path == later.path:
            raise InvalidBundleError(f"{what}: two files are called {later.path!r} once their names are in Unicode's NFC")
    return Manifest(name, tuple(ordered), merkle_root([entry.leaf() for entry in ordered]).hex())


def _entry(file: OpenedFile) -> Entry:
    try:
        running = hashlib.sha256()
        buffer = memoryview(bytearray(min(_AT_ONCE, max(file.size, 1))))
        offset = 0
        while offset < file.size:
            count = file.read_at(offset, buffer[: file.size - offset])
            running.update(buffer[:count])
            offset += count
        file.check_unchanged()
    finally:
        file.close()
    return Entry(unicodedata.normalize("NFC", file.name), file.size, running.hexdigest())


def _read_entry(item: Members, values: dict[str, Any]) -> Entry:
    item.only("path", "size", "sha256")
    path, digest = item.text("path", most=4096), item.text("sha256", most=64)
    if name_fault(path) or path != unicodedata.normalize("NFC", path):
        raise InvalidBundleError("not a path below a folder in Unicode's NFC", field=item.at("path"), found=ascii(path[:200]))
    if len(digest) != 64 or not _SHA256_DIGITS.issuperset(digest):
        raise InvalidBundleError("not a SHA-256", field=item.at("sha256"), expected="64 lower-case hexadecimal digits")
    size = values.get("size")
    if type(size) is not int or size < 0:
        raise InvalidBundleError("not a number of bytes", field=item.at("size"), expected="an integer from 0 on")
    return Entry(path, size, digest)
