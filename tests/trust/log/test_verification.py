"""Every proof of small trees holds, and none holds for anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import TransparencyLogError
from bridge.trust.log.hashing import leaf_hash
from bridge.trust.log.tree import consistency_path, inclusion_path, nodes_of, root
from bridge.trust.log.verification import verify_consistency, verify_inclusion

LEAVES = [leaf_hash(number.to_bytes(2, "big")) for number in range(600)]
NODES = nodes_of(LEAVES)
ROOTS = [root(NODES, size) for size in range(601)]
SPARSE_SIZES = sorted({*range(34), 63, 64, 65, 127, 128, 129, 255, 256, 257, 300, 511, 512, 513, 599, 600})
SMALL_SIZES = range(1, 41)


@pytest.mark.parametrize("size", SPARSE_SIZES)
def test_every_entry_is_proved(size: int) -> None:
    for index in range(size):
        verify_inclusion(LEAVES[index], index, size, inclusion_path(NODES, index, size), ROOTS[size])


@pytest.mark.slow
def test_every_entry_is_proved_at_every_size_up_to_600() -> None:
    for size in range(601):
        for index in range(size):
            verify_inclusion(LEAVES[index], index, size, inclusion_path(NODES, index, size), ROOTS[size])


@pytest.mark.parametrize("new", SMALL_SIZES)
def test_every_predecessor_is_consistent(new: int) -> None:
    for old in range(1, new + 1):
        verify_consistency(old, new, ROOTS[old], ROOTS[new], consistency_path(NODES, old, new))


@pytest.mark.slow
def test_every_pair_of_sizes_up_to_200_is_consistent() -> None:
    for new in range(1, 201):
        for old in range(1, new + 1):
            verify_consistency(old, new, ROOTS[old], ROOTS[new], consistency_path(NODES, old, new))


def inclusion_holds(leaf: bytes, index: int, size: int, path: tuple[bytes, ...], root_hash: bytes) -> bool:
    try:
        verify_inclusion(leaf, index, size, path, root_hash)
    except TransparencyLogError:
        return False
    return True


def test_no_entry_is_proved_at_another_place() -> None:
    for size in range(1, 34):
        for index in range(size):
            path = inclusion_path(NODES, index, size)
            holds = [place for place in range(-1, size + 2) if inclusion_holds(LEAVES[index], place, size, path, ROOTS[size])]
            assert holds == [index]


@given(st.integers(1, 600), st.data())
def test_changed_bit_is_found(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    parts = [LEAVES[index], ROOTS[size], *inclusion_path(NODES, index, size)]
    place, bit = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, 255))
    changed = bytearray(parts[place])
    changed[bit // 8] ^= 1 << bit % 8
    parts[place] = bytes(changed)
    assert not inclusion_holds(parts[0], index, size, tuple(parts[2:]), parts[1])


@given(st.integers(2, 600), st.data())
def test_changed_bit_of_a_consistency_proof_is_found(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new - 1))
    parts = [ROOTS[old], ROOTS[new], *consistency_path(NODES, old, new)]
    place, bit = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, 255))
    changed = bytearray(parts[place])
    changed[bit // 8] ^= 1 << bit % 8
    parts[place] = bytes(changed)
    with pytest.raises(TransparencyLogError, match="consistency"):
        verify_consistency(old, new, parts[0], parts[1], parts[2:])


@pytest.mark.parametrize(
    ("index", "size", "path", "sentence"),
    [
        (3, 3, (), "beyond the tree"),
        (0, 1, (LEAVES[0],), "more than the tree has levels"),
        (0, 4, (LEAVES[1],), "fewer than the tree has levels"),
        (0, 2, (LEAVES[2],), "the path leads to"),
        (0, 2, (LEAVES[1][:31],), "another length"),
    ],
)
def test_unsound_inclusion_is_refused_with_its_reason(index: int, size: int, path: tuple[bytes, ...], sentence: str) -> None:
    with pytest.raises(TransparencyLogError, match=sentence):
        verify_inclusion(LEAVES[0], index, size, path, ROOTS[size])


@pytest.mark.parametrize(
    ("old", "new", "path", "sentence"),
    [
        (0, 3, (), "nothing leads"),
        (4, 3, (), "nothing leads"),
        (3, 3, (LEAVES[0],), "by no path"),
        (2, 3, (), "the path is empty"),
        (2, 3, (LEAVES[2], LEAVES[3]), "more than the trees have levels"),
        (1, 4, (LEAVES[1],), "fewer than the trees have levels"),
        (2, 3, (LEAVES[3],), "the newer root"),
        (3, 4, (LEAVES[3], LEAVES[2], LEAVES[0]), "the older root"),
        (2, 3, (b"",), "another length"),
    ],
)
def test_unsound_consistency_is_refused_with_its_reason(old: int, new: int, path: tuple[bytes, ...], sentence: str) -> None:
    with pytest.raises(TransparencyLogError, match=sentence):
        verify_consistency(old, new, ROOTS[old], ROOTS[new], path)


def test_two_roots_for_one_size_are_a_contradiction() -> None:
    with pytest.raises(TransparencyLogError, match="two roots for 3 entries"):
        verify_consistency(3, 3, ROOTS[3], ROOTS[4], ())
