"""Roots and proofs against the vectors that Certificate Transparency's implementations share, and against the definition."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from bridge.trust.log.hashing import EMPTY_ROOT, leaf_hash, node_hash
from bridge.trust.log.tree import consistency_path, inclusion_path, nodes_of, root

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "rfc6962_vectors.json").read_text())
LEAVES = [leaf_hash(bytes.fromhex(entry)) for entry in VECTORS["entries"]]
NODES = nodes_of(LEAVES)


def hexadecimal(path: tuple[bytes, ...]) -> list[str]:
    return [step.hex() for step in path]


def test_leaves_have_the_published_hashes() -> None:
    assert [leaf.hex() for leaf in LEAVES] == VECTORS["leaf_hashes"]


@pytest.mark.parametrize("size", range(9))
def test_root_is_the_published_one(size: int) -> None:
    assert root(NODES, size).hex() == VECTORS["roots"][size]


@pytest.mark.parametrize("vector", VECTORS["inclusion"], ids=str)
def test_inclusion_path_is_the_published_one(vector: dict[str, Any]) -> None:
    assert hexadecimal(inclusion_path(NODES, vector["index"], vector["size"])) == vector["path"]


@pytest.mark.parametrize("vector", VECTORS["consistency"], ids=str)
def test_consistency_path_is_the_published_one(vector: dict[str, Any]) -> None:
    assert hexadecimal(consistency_path(NODES, vector["old"], vector["new"])) == vector["path"]


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return node_hash(defined_root(leaves[:k]), defined_root(leaves[k:]))


def test_root_is_the_defined_one_at_every_size_up_to_300() -> None:
    leaves = [leaf_hash(str(number).encode()) for number in range(300)]
    nodes = nodes_of(leaves)
    assert root(nodes, 0) == EMPTY_ROOT
    for size in range(301):
        assert root(nodes, size) == defined_root(leaves[:size])


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_entry_beyond_the_tree_has_no_path(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no entry"):
        inclusion_path(NODES, index, size)


def test_later_tree_is_no_predecessor() -> None:
    with pytest.raises(ValueError, match="no predecessor"):
        consistency_path(NODES, 5, 4)
