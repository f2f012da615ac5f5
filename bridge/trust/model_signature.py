"""Signatures over models in the OpenSSF Model Signing v1.0 format: one file, or a folder and all that lies in it.

Verification takes these steps, each of which ends it where it fails:

1. The bundle is read; its form is the published one, with one signature.
2. The signature is verified against whom the caller trusts. Nothing in the statement is looked at before.
3. The statement is read: one subject, the files with their digests, sorted, once each, under names that cannot leave the root;
   the root digest is computed anew and is the subject's.
4. The model's root is opened once, and everything beneath it through it. Links, pipes and files with second names are refused.
5. Each file is hashed, or the bytes that the caller took of it (see ``take``). A file that changes meanwhile is refused.
6. No listed file is missing, changed or of another size; no other file is there, but those that the signer left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from bridge.errors import InvalidOptionError, UnsafePathError
from bridge.trust.bundle import sign_statement, verify_bundle
from bridge.trust.differences import Differences
from bridge.trust.digests import DEFAULT_ALGORITHM, FileDigest
from bridge.trust.hashing import Advance, Take, hash_files
from bridge.trust.manifest import Manifest, left_out, read_manifest
from bridge.trust.resource_names import GIT_NAMES, OWN_NAMES, beneath, ignore_fault
from bridge.trust.signers import Identity, Signer, Verifier
from bridge.trust.small_files import StrPath
from bridge.trust.tree import OpenedFile, OpenedRoot


@dataclass(frozen=True, slots=True)
class VerifiedModel:
    """A model of which every byte is as it was signed.

    ``root_digest`` names it in claims; ``files`` are the signed files or their pieces (``.`` stands for a model that is a single
    file); ``left_out`` are paths that the signature says nothing about, so that nothing there is to be used;
    ``signature_sha256`` is the digest of the bundle, ``statement_sha256`` that of the signed bytes in it.
    """

    name: str
    root_digest: str
    files: tuple[FileDigest, ...]
    left_out: tuple[str, ...]
    identity: Identity
    signature_sha256: str
    statement_sha256: str

    def to_json(self) -> dict[str, Any]:
        """The result for machines."""
        return {
            "name": self.name,
            "root_digest": self.root_digest,
            "identity": self.identity.to_json(),
            "signature_sha256": self.signature_sha256,
            "statement_sha256": self.statement_sha256,
            "files": [{"name": file.name, "algorithm": file.algorithm, "digest": file.digest} for file in self.files],
            "left_out": list(self.left_out),
        }


def sign_model(
    path: StrPath | OpenedRoot,
    signer: Signer,
    *,
    algorithm: str = DEFAULT_ALGORITHM,
    shard_size: int | None = None,
    ignore: Iterable[str] = (),
    allow_hard_links: bool = False,
    advance: Advance | None = None,
) -> bytes:
    """The signature over a file or folder: what belongs into ``model.sig``, or ``<file>.sig`` beside a single file.

    ``algorithm`` is sha256, blake2b or blake3. With ``shard_size``, in bytes, files are hashed in pieces, several at once.
    ``ignore`` holds paths beneath the root to leave out, besides git's files, ``model.sig`` and ``claims.jsonl`` at its top.
    Raises ``UnsafePathError`` for what no signature can cover, ``InvalidOptionError`` for options that cannot be used.
    """
    if shard_size is not None and not 1 <= shard_size < 1 << 53:
        raise InvalidOptionError(f"no size of shards: {shard_size}; expected a number of bytes, 1 or more")
    ignored = _checked(ignore)
    with ExitStack() as stack:
        root = _opened(path, stack, allow_hard_links=allow_hard_links)
        names = tuple(sorted({*GIT_NAMES, *OWN_NAMES, *ignored})) if root.is_folder else ()
        files = root.files(beneath(names))
        digests = hash_files(files, algorithm=algorithm, shard_size=shard_size, advance=advance)
    if not digests:
        raise UnsafePathError(str(root.path), "nothing to sign: there are no files, or only such as are left out or empty")
    return sign_statement(Manifest(algorithm, shard_size, names, digests).statement(root.name), signer)


def verify_model(
    path: StrPath | OpenedRoot,
    signature: bytes,
    verifier: Verifier,
    *,
    signature_name: str | None = None,
    ignore: Iterable[str] = (),
    allow_hard_links: bool = False,
    take: Take | None = None,
    advance: Advance | None = None,
) -> VerifiedModel:
    """Verify a file or folder against the bytes of its signature.

    ``signature_name`` is the signature's own path beneath the root, where it lies there under another name than ``model.sig``.
    ``ignore`` holds paths of files that may be there without being signed; a signed file is verified all the same.
    ``take`` is called once for each signed file with the opened file, and may return its bytes in memory of its own: these are
    then hashed, and the caller goes on with what was verified. Raises ``InvalidBundleError``, ``SignatureError``,
    ``IntegrityError`` with the first file at fault, ``UnsafePathError`` and ``SourceChangedError``.
    """
    ignored = _checked(ignore)
    statement = verify_bundle(signature, verifier)
    manifest = read_manifest(statement.statement)
    with ExitStack() as stack:
        root = _opened(path, stack, allow_hard_links=allow_hard_links)
        own = (*OWN_NAMES, *ignored, *([signature_name] if signature_name else []))
        names = left_out(manifest, own) if root.is_folder else ()
        differences = Differences(manifest, root)
        files = _listed(root.files(beneath(names)), differences)
        digests = hash_files(files, algorithm=manifest.algorithm, shard_size=manifest.shard_size, take=take, advance=advance)
        differences.compare(digests)
    return VerifiedModel(
        name=root.name,
        root_digest=manifest.root_digest,
        files=manifest.resources,
        left_out=names,
        identity=statement.identity,
        signature_sha256=statement.sha256,
        statement_sha256=statement.payload_sha256,
    )


def _checked(ignore: Iterable[str]) -> tuple[str, ...]:
    names = tuple(ignore)
    for name in names:
        if fault := ignore_fault(name):
            raise InvalidOptionError(f"cannot leave out {name!r}: the path is {fault}")
    return names


def _opened(path: StrPath | OpenedRoot, stack: ExitStack, *, allow_hard_links: bool) -> OpenedRoot:
    return path if isinstance(path, OpenedRoot) else stack.enter_context(OpenedRoot(path, allow_hard_links=allow_hard_links))


def _listed(files: Iterator[OpenedFile], differences: Differences) -> Iterator[OpenedFile]:
    """The files that are worth hashing: the others are noted and closed."""
    for file in files:
        if differences.expects(file):
            yield file
        else:
            file.close()
