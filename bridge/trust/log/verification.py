"""How proofs are checked, step by step as RFC 9162 numbers them. Nothing here builds a tree."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.errors import TransparencyLogError
from bridge.trust.log.hashing import HASH_BYTES, node_hash


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """RFC 9162, 2.1.3.2: the leaf hash ``leaf`` stands at ``index`` in the tree of ``size`` entries with this ``root``.

    Raises ``TransparencyLogError`` (``inclusion``) where the path does not lead from the one to the other.
    """
    if any(len(value) != HASH_BYTES for value in (leaf, root, *path)):
        raise _not_included(f"a hash has another length than {HASH_BYTES} bytes")
    # 1. Compare the index with the size of the tree.
    if not 0 <= index < size:
        raise _not_included(f"entry {index} is beyond the tree's {size}")
    # 2. and 3.
    fn, sn, r = index, size - 1, leaf
    # 4. Walk up.
    for p in path:
        if sn == 0:
            raise _not_included(f"the path has {len(path)} hashes, more than the tree has levels")
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    # 5. The walk ends at the root, and this is the root.
    if sn != 0:
        raise _not_included(f"the path has {len(path)} hashes, fewer than the tree has levels")
    if r != root:
        raise _not_included(f"the path leads to {r.hex()}, and the root is {root.hex()}")


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """RFC 9162, 2.1.4.2: the tree of ``old_size`` entries is a prefix of the tree of ``new_size``; ``0 < old_size <= new_size``.

    Raises ``TransparencyLogError`` (``consistency``) where the path does not lead to both roots.
    """
    if not 0 < old_size <= new_size:
        raise _not_consistent(f"nothing leads from {old_size} to {new_size} entries")
    if any(len(value) != HASH_BYTES for value in (old_root, new_root, *path)):
        raise _not_consistent(f"a hash has another length than {HASH_BYTES} bytes")
    if old_size == new_size:
        if path:
            raise _not_consistent(f"a tree is consistent with itself by no path, and this one has {len(path)} hashes")
        if old_root != new_root:
            raise _not_consistent(f"two roots for {old_size} entries: {old_root.hex()} and {new_root.hex()}")
        return
    # 1. An empty path proves nothing.
    if not path:
        raise _not_consistent("the path is empty")
    # 2. A complete older tree is the first hash of the path itself.
    hashes = [old_root, *path] if old_size & (old_size - 1) == 0 else list(path)
    # 3. and 4.
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    # 5. and 6. Walk up both trees at once.
    fr = sr = hashes[0]
    for c in hashes[1:]:
        if sn == 0:
            raise _not_consistent(f"the path has {len(path)} hashes, more than the trees have levels")
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    # 7. Both walks end at their roots.
    if sn != 0:
        raise _not_consistent(f"the path has {len(path)} hashes, fewer than the trees have levels")
    if fr != old_root:
        raise _not_consistent(f"the path leads to the older root {fr.hex()}, and it is {old_root.hex()}")
    if sr != new_root:
        raise _not_consistent(f"the path leads to the newer root {sr.hex()}, and it is {new_root.hex()}")


def _not_included(why: str) -> TransparencyLogError:
    return TransparencyLogError("inclusion", f"the entry is not shown to be in the log: {why}")


def _not_consistent(why: str) -> TransparencyLogError:
    return TransparencyLogError("consistency", f"the newer log is not shown to continue the older one: {why}")
