"""Names of tiles, and which a tree has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidBundleError
from bridge.trust.log.tile import ENTRIES, Tile, levels_of, tiles_at, within


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 999, 1), "tile/0/999.p/1"),
        (Tile(1, 1000, 255), "tile/1/x001/000.p/255"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(ENTRIES, 1234067, 8), "tile/entries/x001/x234/067.p/8"),
        (Tile(63, 5), "tile/63/005"),
    ],
)
def test_path_is_the_specified_one(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert Tile.from_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/00/000",
        "tile/64/000",
        "tile/0/0",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/08",
        "tile/0/000.p/",
        "tile/0/../000",
        "tile/0/٠٠٠",
        "tile/-1/000",
        "tile/0/000\n",
        "checkpoint",
        "",
        "tile/0/" + "x001/" * 40 + "001",
    ],
)
def test_path_in_any_other_spelling_is_refused(path: str) -> None:
    with pytest.raises(InvalidBundleError):
        Tile.from_path(path)


@given(st.integers(-1, 63), st.integers(0, 10**18), st.integers(1, 256))
def test_path_and_tile_are_each_others_inverse(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert Tile.from_path(tile.path) == tile


def test_tree_of_70000_has_the_tiles_that_the_specification_counts() -> None:
    assert list(levels_of(70_000)) == [0, 1, 2]
    leaves, middle, top = (list(tiles_at(level, 70_000)) for level in range(3))
    assert (len(leaves), leaves[-1]) == (274, Tile(0, 273, 112))
    assert middle == [Tile(1, 0), Tile(1, 1, 17)]
    assert top == [Tile(2, 0, 1)]


def test_tree_of_256_has_a_partial_tile_above_its_full_one() -> None:
    assert list(tiles_at(0, 256)) == [Tile(0, 0)]
    assert list(tiles_at(1, 256)) == [Tile(1, 0, 1)]


@given(st.integers(0, 2000), st.integers(0, 2000))
def test_growing_tree_adds_exactly_the_tiles_beyond_the_older_one(old: int, more: int) -> None:
    size = old + more
    for level in (ENTRIES, *levels_of(size)):
        added = list(tiles_at(level, size, old_size=old))
        assert all(within(tile, size) and not within(tile, old) for tile in added)
        assert {tile for tile in tiles_at(level, size) if not within(tile, old)} == set(added)
