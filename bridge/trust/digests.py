"""Digests of files: the algorithms of OpenSSF Model Signing, and the root digest that stands for a whole model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from bridge.errors import InvalidOptionError


class Hasher(Protocol):
    """What hashlib and blake3 have in common."""

    def update(self, data: Any, /) -> object:
        """Take in more bytes."""

    def hexdigest(self) -> str:
        """The digest of all bytes so far, in lower-case hexadecimal."""


@dataclass(frozen=True, slots=True)
class FileDigest:
    """The digest of one file, or of one byte range of it.

    ``name`` is the path beneath the model's root with ``/`` between components, with ``:start:end`` behind it for a range;
    ``digest`` is lower-case hexadecimal.
    """

    name: str
    algorithm: str
    digest: str


DIGEST_BYTES = {"sha256": 32, "blake2b": 64, "blake3": 32}
"""The algorithms that the format knows, with the length of their digests in bytes."""

DEFAULT_ALGORITHM = "sha256"


def hasher_of(algorithm: str) -> Callable[[], Hasher]:
    """What makes a fresh hasher. Raises ``InvalidOptionError`` for an unknown algorithm, or one that is not installed."""
    if algorithm == "sha256":
        return hashlib.sha256
    if algorithm == "blake2b":
        return hashlib.blake2b
    if algorithm == "blake3":
        return _blake3()
    known = ", ".join(DIGEST_BYTES)
    raise InvalidOptionError(f"no digest algorithm {algorithm!a}: expected one of {known}")


def _blake3() -> Callable[[], Hasher]:
    try:
        from blake3 import blake3
    except ImportError as error:
        raise InvalidOptionError(
            "the digest blake3 needs the package blake3, which is not installed: pip install 'cntk-bridge[blake3]'"
        ) from error
    return lambda: blake3(max_threads=blake3.AUTO)


def root_digest(files: Iterable[FileDigest]) -> str:
    """SHA-256 over the raw digests, one behind the other in the order of ``files``, in lower-case hexadecimal.

    ``hash_tree`` returns them in the order of the format. The algorithm is SHA-256 whatever the files were hashed with. Names
    take no part: two models with equal contents under other names have the same root digest.
    """
    root = hashlib.sha256()
    for file in files:
        root.update(bytes.fromhex(file.digest))
    return root.hexdigest()
