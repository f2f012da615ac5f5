"""What an OpenSSF Model Signing v1.0 statement says: every file of a model with its digest, and how they were enumerated.

The rules are those of the specification's sections 5, 6 and 8.3 and of its JSON Schemas, with what model_signing really writes
admitted beside them: sorting by path components, a shard size with a decimal point, the shard size in the algorithm's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.errors import InvalidBundleError
from bridge.trust.digests import DIGEST_BYTES, FileDigest, root_digest
from bridge.trust.json_members import Members, type_name
from bridge.trust.resource_names import GIT_NAMES, SINGLE_FILE, beneath, folders_above, ignore_fault, look_alike, name_fault
from bridge.trust.statement import Statement, Subject

PREDICATE_TYPE = "https://model_signing/signature/v1.0"

_SHARD = re.compile(r"(.+):(0|[1-9][0-9]{0,18}):([1-9][0-9]{0,18})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The signed list of a model's files.

    ``resources`` are in the order of the statement, which the root digest depends on. ``shard_size`` is in bytes, ``None`` where
    files are hashed whole. ``ignore_paths`` are those that the signer left out.
    """

    algorithm: str
    shard_size: int | None
    ignore_paths: tuple[str, ...]
    resources: tuple[FileDigest, ...]

    @property
    def root_digest(self) -> str:
        """SHA-256 over the digests in their order, in hexadecimal."""
        return root_digest(self.resources)

    def sizes(self) -> Mapping[str, int | None]:
        """The files that are listed. Where they are in pieces, their sizes in bytes are known too."""
        if self.shard_size is None:
            return {resource.name: None for resource in self.resources}
        sizes: dict[str, int | None] = {}
        for resource in self.resources:
            name, _, end = split_shard(resource.name) or (resource.name, 0, 0)
            sizes[name] = max(sizes.get(name) or 0, end)
        return sizes

    def statement(self, model_name: str) -> Statement:
        """The statement to sign."""
        serialization: dict[str, Any] = {
            "method": "files" if self.shard_size is None else "shards",
            "hash_type": self.algorithm,
            "allow_symlinks": False,
        }
        if self.shard_size is not None:
            serialization["shard_size"] = self.shard_size
        if self.ignore_paths:
            serialization["ignore_paths"] = list(self.ignore_paths)
        resources = [{"name": file.name, "digest": file.digest, "algorithm": file.algorithm} for file in self.resources]
        predicate = {"serialization": serialization, "resources": resources}
        return Statement((Subject(model_name, {"sha256": self.root_digest}),), PREDICATE_TYPE, predicate)


def read_manifest(statement: Statement) -> Manifest:
    """The manifest in a verified statement. Raises ``InvalidBundleError`` with the path of the member at fault."""
    if statement.predicate_type != PREDICATE_TYPE:
        raise InvalidBundleError(
            "not the signature of a model",
            field="predicateType",
            expected=PREDICATE_TYPE,
            found=ascii(statement.predicate_type[:200]),
        )
    if len(statement.subject) != 1:
        raise InvalidBundleError("another number of subjects", field="subject", expected="1", found=str(len(statement.subject)))
    subject = statement.subject[0]
    if not subject.name:
        raise InvalidBundleError("no name", field="subject[0].name")
    predicate = Members(statement.predicate, "predicate")
    predicate.only("resources", "serialization")
    manifest = _manifest(predicate)
    if subject.digest.get("sha256") != manifest.root_digest:
        raise InvalidBundleError(
            "not the digest of the resources",
            field="subject[0].digest.sha256",
            expected=manifest.root_digest,
            found=str(subject.digest.get("sha256"))[:64],
        )
    return manifest


def split_shard(name: str) -> tuple[str, int, int] | None:
    """``path:start:end`` in its parts. The path may hold colons itself."""
    match = _SHARD.fullmatch(name)
    return (match[1], int(match[2]), int(match[3])) if match else None


def _manifest(predicate: Members) -> Manifest:
    serialization = predicate.object("serialization")
    serialization.only("method", "hash_type", "shard_size", "allow_symlinks", "ignore_paths")
    method = serialization.text("method")
    if method not in {"files", "shards"}:
        raise InvalidBundleError(
            "unknown", field=serialization.at("method"), expected="files or shards", found=ascii(method[:80])
        )
    algorithm = serialization.text("hash_type")
    if algorithm not in DIGEST_BYTES:
        known = ", ".join(DIGEST_BYTES)
        raise InvalidBundleError("unknown", field=serialization.at("hash_type"), expected=known, found=ascii(algorithm[:80]))
    # Read so that its type is checked. Links are refused in any case: nothing that a signer says makes us follow one.
    serialization.truth("allow_symlinks")
    shard_size = _shard_size(serialization, method)
    resources = tuple(_resource(item, algorithm, shard_size) for item in predicate.objects("resources"))
    manifest = Manifest(algorithm, shard_size, _ignore_paths(serialization), resources)
    _check_order(manifest, predicate.at("resources"))
    _check_names(manifest, predicate.at("resources"))
    return manifest


def _shard_size(serialization: Members, method: str) -> int | None:
    field = serialization.at("shard_size")
    size = serialization.number("shard_size") if "shard_size" in serialization else None
    if method == "files":
        if size is not None:
            raise InvalidBundleError("a size of shards, where files are hashed whole", field=field)
        return None
    # model_signing takes the number through a type that knows doubles alone.
    if size is None or size != int(size) or not 1 <= size < 1 << 53:
        raise InvalidBundleError("no size of shards", field=field, expected="a whole number of bytes", found=str(size))
    return int(size)


def _ignore_paths(serialization: Members) -> tuple[str, ...]:
    if "ignore_paths" not in serialization:
        return ()
    field = serialization.at("ignore_paths")
    names: list[str] = []
    for index, name in enumerate(serialization.array("ignore_paths")):
        fault = ignore_fault(name) if isinstance(name, str) else type_name(name)
        if fault:
            raise InvalidBundleError(f"no path to ignore: {fault}", field=f"{field}[{index}]")
        names.append(name)
    return tuple(names)


def _resource(members: Members, algorithm: str, shard_size: int | None) -> FileDigest:
    name, digest, stated = members.text("name"), members.text("digest"), members.text("algorithm")
    # model_signing 1.1.1 puts the size of the shards into the algorithm's name, although the schema has no such name.
    if stated not in {algorithm, f"{algorithm}-sharded-{shard_size}"}:
        raise InvalidBundleError("another algorithm", field=members.at("algorithm"), expected=algorithm, found=ascii(stated[:80]))
    characters = 2 * DIGEST_BYTES[algorithm]
    if len(digest) != characters or not set(digest) <= set("0123456789abcdef"):
        raise InvalidBundleError("no digest", field=members.at("digest"), expected=f"{characters} lower-case hexadecimal digits")
    path = name
    if shard_size is not None:
        shard = split_shard(name)
        if shard is None or shard[1] % shard_size or not 0 < shard[2] - shard[1] <= shard_size:
            raise InvalidBundleError(
                "no piece of a file", field=members.at("name"), expected=f"path:start:end of {shard_size} bytes"
            )
        path = shard[0]
    if path != SINGLE_FILE and (fault := name_fault(path)):
        raise InvalidBundleError(f"a name of a file that is {fault}", field=members.at("name"))
    return FileDigest(name, algorithm, digest)


def _check_order(manifest: Manifest, field: str) -> None:
    """Refuse names that stand twice or out of order, and files whose pieces do not join up."""
    names = [resource.name for resource in manifest.resources]
    if not names:
        raise InvalidBundleError("a model without files", field=field)
    if len(set(names)) != len(names):
        raise InvalidBundleError("a name that stands twice", field=field)
    if names != sorted(names) and names != sorted(names, key=_by_components if manifest.shard_size is None else _by_shards):
        raise InvalidBundleError("not sorted by name", field=field)
    if manifest.shard_size is None:
        return
    reached: dict[str, int] = {}
    for path, start, end in sorted(shard for name in names if (shard := split_shard(name))):
        # Pieces start at multiples of the size, so each but the last has to be whole for the next to follow on.
        if start != reached.get(path, 0):
            raise InvalidBundleError(f"a gap in the pieces of {path!r} before byte {start}", field=field)
        reached[path] = end


def _by_components(name: str) -> list[str]:
    # model_signing compares paths, in which "/" sorts before every other character.
    return name.split("/")


def _by_shards(name: str) -> tuple[list[str], int]:
    path, start, _ = split_shard(name) or (name, 0, 0)
    return path.split("/"), start


def _check_names(manifest: Manifest, field: str) -> None:
    paths = list(manifest.sizes())
    if SINGLE_FILE in paths and len(paths) > 1:
        raise InvalidBundleError("a single file beside others", field=field)
    if alike := look_alike(paths):
        raise InvalidBundleError(f"{alike[0]!a} and {alike[1]!a} are one name in two Unicode forms", field=field)
    listed, ignored = set(paths), beneath(manifest.ignore_paths)
    for path in paths:
        if any(folder in listed for folder in folders_above(path)):
            raise InvalidBundleError(f"{path!r} lies in what is listed as a file", field=field)
        if ignored(path):
            raise InvalidBundleError(f"{path!r} is listed, and to be ignored", field=field)


def left_out(manifest: Manifest, own: Iterable[str]) -> tuple[str, ...]:
    """What is not looked at beneath the root: what the signer left out, git's files and ``own``, unless they are listed."""
    listed = {place for path in manifest.sizes() for place in (path, *folders_above(path))}
    defaults = [name for name in (*GIT_NAMES, *own) if name not in listed]
    return tuple(dict.fromkeys((*manifest.ignore_paths, *defaults)))
