"""The two hashes of a Merkle tree (RFC 9162, 2.1.1). Their prefixes keep a leaf from passing for a node."""

from __future__ import annotations

import hashlib

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry, 32 bytes."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node above two hashes of 32 bytes each."""
    return hashlib.sha256(b"\x01" + left + right).digest()
