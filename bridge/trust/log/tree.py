"""Roots and proofs of a Merkle tree of any size (RFC 9162, 2.1.1, 2.1.3.1, 2.1.4.1).

A tree is given as a function that knows the hash of every *complete* subtree: ``nodes(level, index)`` is the hash over the
``2 ** level`` entries from ``index * 2 ** level`` on. All that RFC 9162 defines is made of those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bridge.trust.log.hashing import EMPTY_ROOT, node_hash

Nodes = Callable[[int, int], bytes]


def nodes_of(leaf_hashes: Sequence[bytes]) -> Nodes:
    """The complete subtrees over a list of leaf hashes in memory."""

    def node(level: int, index: int) -> bytes:
        layer = list(leaf_hashes[index << level : (index + 1) << level])
        while len(layer) > 1:
            layer = [node_hash(layer[i], layer[i + 1]) for i in range(0, len(layer), 2)]
        return layer[0]

    return node


def root(nodes: Nodes, size: int) -> bytes:
    """The root of the tree of the first ``size`` entries, 32 bytes."""
    return _subtree(nodes, 0, size) if size else EMPTY_ROOT


def inclusion_path(nodes: Nodes, index: int, size: int) -> tuple[bytes, ...]:
    """The siblings on the way from entry ``index`` up to the root of the first ``size`` entries; ``0 <= index < size``."""
    if not 0 <= index < size:
        raise ValueError(f"no entry {index} in a tree of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_subtree(nodes, middle, end))
            end = middle
        else:
            path.append(_subtree(nodes, start, middle))
            start = middle
    return tuple(reversed(path))


def consistency_path(nodes: Nodes, old_size: int, new_size: int) -> tuple[bytes, ...]:
    """What shows that the first ``old_size`` of ``new_size`` entries are those of the older tree.

    Empty where there is nothing to show: the older tree is empty, or the same.
    """
    if not 0 <= old_size <= new_size:
        raise ValueError(f"a tree of {new_size} has no predecessor of {old_size}")
    if old_size in {0, new_size}:
        return ()
    path: list[bytes] = []
    start, end = 0, new_size
    while end != old_size:
        middle = start + _split(end - start)
        if old_size <= middle:
            path.append(_subtree(nodes, middle, end))
            end = middle
        else:
            path.append(_subtree(nodes, start, middle))
            start = middle
    if start:  # With start at 0 this last subtree is the older tree itself, whose root the verifier has.
        path.append(_subtree(nodes, start, end))
    return tuple(reversed(path))


def _split(count: int) -> int:
    """The greatest power of two below ``count``, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _subtree(nodes: Nodes, start: int, end: int) -> bytes:
    count = end - start
    if count & (count - 1) == 0:
        return nodes(count.bit_length() - 1, start // count)
    middle = start + _split(count)
    return node_hash(_subtree(nodes, start, middle), _subtree(nodes, middle, end))
