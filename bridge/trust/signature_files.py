"""Signatures where they belong: ``model.sig`` in a folder, ``<file>.sig`` beside a single file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.errors import InvalidBundleError, WriteError
from bridge.targets.atomic import StagedFile, put_in_place
from bridge.trust.bundle import BUNDLE_LIMITS, read_bundle
from bridge.trust.digests import DEFAULT_ALGORITHM
from bridge.trust.hashing import Advance, Take
from bridge.trust.manifest import read_manifest
from bridge.trust.model_signature import VerifiedModel, sign_model, verify_model
from bridge.trust.signers import Signer, Verifier
from bridge.trust.small_files import StrPath, read_small_file
from bridge.trust.statement import Statement
from bridge.trust.tree import OpenedRoot

SIGNATURE_NAME = "model.sig"


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that is about to be written."""

    path: Path
    data: bytes


@dataclass(frozen=True, slots=True)
class SignedModel:
    """A signature that was written. ``root_digest`` names the model in claims; ``files`` counts files, or pieces of them.

    ``claims_path`` is the file of claims that was written together with it.
    """

    signature_path: Path
    root_digest: str
    identity: str
    files: int
    algorithm: str
    claims_path: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """The result for machines."""
        result = {
            "signature": str(self.signature_path),
            "root_digest": self.root_digest,
            "identity": self.identity,
            "files": self.files,
            "algorithm": self.algorithm,
        }
        return result if self.claims_path is None else {**result, "claims": str(self.claims_path)}


def sign(
    path: StrPath,
    signer: Signer,
    *,
    signature: StrPath | None = None,
    algorithm: str = DEFAULT_ALGORITHM,
    shard_size: int | None = None,
    ignore: Iterable[str] = (),
    allow_hard_links: bool = False,
    overwrite: bool = False,
    claims: Callable[[str], NewFile] | None = None,
    advance: Advance | None = None,
) -> SignedModel:
    """Sign a file or folder and write the signature to ``signature``, by default where verifiers look for it.

    ``ignore`` holds paths beneath the folder to leave out. ``claims`` is called with the root digest for the file of claims that
    belongs to the signature: both are written, or where it raises neither. Raises ``UnsafePathError`` for what no signature can
    cover, ``WriteError`` if a signature is there and is not to be overwritten.
    """
    with OpenedRoot(path, allow_hard_links=allow_hard_links) as root:
        destination = Path(signature) if signature is not None else signature_path(root)
        if not overwrite and os.path.lexists(destination):
            raise WriteError(f"cannot write '{destination}': there is a signature already; --force overwrites it")
        own = _name_beneath(root, destination)
        left_out = (*ignore, *([own] if own and own != SIGNATURE_NAME else []))
        bundle = sign_model(root, signer, algorithm=algorithm, shard_size=shard_size, ignore=left_out, advance=advance)
    manifest = read_manifest(Statement.from_bytes(read_bundle(bundle).payload))
    beside = claims(manifest.root_digest) if claims is not None else None
    written = NewFile(destination, bundle + b"\n")
    write_whole([beside, written] if beside is not None else [written])
    place = beside.path if beside is not None else None
    return SignedModel(destination, manifest.root_digest, signer.identity, len(manifest.resources), algorithm, place)


def verify(
    path: StrPath,
    verifier: Verifier,
    *,
    signature: StrPath | None = None,
    ignore: Iterable[str] = (),
    allow_hard_links: bool = False,
    take: Take | None = None,
    advance: Advance | None = None,
) -> VerifiedModel:
    """Verify a file or folder against its signature; every byte is read. See ``verify_model`` for ``take`` and the errors."""
    with OpenedRoot(path, allow_hard_links=allow_hard_links) as root:
        data, own = read_signature(root, signature)
        return verify_model(root, data, verifier, signature_name=own, ignore=ignore, take=take, advance=advance)


def signature_path(root: OpenedRoot) -> Path:
    """Where the signature of a model stands unless somebody says otherwise."""
    return root.path / SIGNATURE_NAME if root.is_folder else root.path.with_name(f"{root.path.name}.sig")


def read_signature(root: OpenedRoot, signature: StrPath | None = None) -> tuple[bytes, str | None]:
    """The bytes of a model's signature, and its path beneath the root where it lies there.

    That of a folder is read by way of the folder that was opened. Raises ``InvalidBundleError`` if there is none in its place,
    ``InvalidOptionError`` if there is none where the caller says.
    """
    if signature is not None:
        return read_small_file(signature, what="signature", most=BUNDLE_LIMITS.bytes), _name_beneath(root, Path(signature))
    path = signature_path(root)
    if root.is_folder:
        data = root.read_file(SIGNATURE_NAME, BUNDLE_LIMITS.bytes)
    else:
        data = read_small_file(path, what="signature", most=BUNDLE_LIMITS.bytes) if path.exists() else None
    if data is None:
        raise InvalidBundleError(f"'{root.path}' is not signed: there is no '{path}'")
    return data, SIGNATURE_NAME if root.is_folder else None


def write_whole(files: Sequence[NewFile]) -> None:
    """Write all of the files, or none; the last is the one that refers to the others. Raises ``WriteError``."""
    last = files[-1].path
    try:
        with ExitStack() as stack:
            staged = [_staged(file, stack) for file in files]
            put_in_place(staged)
    except OSError as error:
        raise WriteError(f"cannot write '{last}': {error.strerror}") from error


def _staged(file: NewFile, stack: ExitStack) -> StagedFile:
    staged = stack.enter_context(StagedFile(file.path))
    with os.fdopen(os.dup(staged.descriptor), "wb") as stream:
        stream.write(file.data)
    os.fsync(staged.descriptor)
    return staged


def _name_beneath(root: OpenedRoot, path: Path) -> str | None:
    """``path`` as a path beneath the root; ``None`` if it lies elsewhere."""
    if not root.is_folder:
        return None
    with suppress(ValueError):
        return (path.parent.resolve() / path.name).relative_to(root.path.resolve()).as_posix()
    return None
