"""bridge.trust.hashing and digests: digests of folders, whole and in pieces, of the bytes that are used."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.errors import InvalidOptionError, SourceChangedError
from bridge.trust.digests import FileDigest, root_digest
from bridge.trust.hashing import byte_ranges, hash_files, hash_tree
from bridge.trust.tree import OpenedFile, OpenedRoot


def _hex(algorithm: str, octets: bytes) -> str:
    if algorithm == "blake3":
        blake3 = pytest.importorskip("blake3", reason="the extra blake3 is not installed")
        return str(blake3.blake3(octets).hexdigest())
    return hashlib.new(algorithm, octets).hexdigest()


@pytest.mark.parametrize("algorithm", ["sha256", "blake2b", "blake3"])
def test_digests_are_those_of_the_files(algorithm: str, model: Path) -> None:
    expected = {name: _hex(algorithm, (model / name).read_bytes()) for name in ("config.json", "empty", "weights.bin")}
    found = {file.name: file.digest for file in hash_tree(model, algorithm=algorithm)}
    assert set(found) == {*expected, "parts/one.bin", "parts/deeper/two.bin"}
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("size", [1000, 255_999, 256_000, 1 << 30])
def test_pieces_cover_each_file_once(size: int, model: Path) -> None:
    octets = (model / "weights.bin").read_bytes()
    pieces = {file.name: file.digest for file in hash_tree(model, shard_size=size) if file.name.startswith("weights.bin:")}
    expected = {}
    for start in range(0, len(octets), size):
        piece = octets[start : start + size]
        expected[f"weights.bin:{start}:{start + len(piece)}"] = _hex("sha256", piece)
    assert pieces == expected


def test_empty_file_has_a_digest_as_a_whole_and_no_pieces(model: Path) -> None:
    assert any(file.name == "empty" for file in hash_tree(model))
    assert not any(file.name.startswith("empty") for file in hash_tree(model, shard_size=10_000))
    assert list(byte_ranges(0, None)) == [(0, 0)]


def test_root_digest_is_over_the_raw_digests_in_their_order() -> None:
    files = [FileDigest("a", "sha256", "00" * 32), FileDigest("b", "sha256", "ff" * 32)]
    assert root_digest(files) == hashlib.sha256(b"\x00" * 32 + b"\xff" * 32).hexdigest()
    assert root_digest(files) != root_digest(files[::-1])


def test_names_are_in_the_order_of_code_points(tmp_path: Path) -> None:
    for name in ("a/b", "a.txt", "B", "\U0001f600", "\uffee"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [file.name for file in hash_tree(tmp_path)] == ["B", "a.txt", "a/b", "\uffee", "\U0001f600"]


def test_bytes_that_were_taken_are_what_is_hashed(model: Path) -> None:
    expected = {file.name: file.digest for file in hash_tree(model)}
    taken: dict[str, bytearray] = {}

    def take(file: OpenedFile) -> memoryview:
        taken[file.name] = octets = bytearray(os.pread(file.descriptor, file.size, 0))
        return memoryview(octets)

    with OpenedRoot(model) as root:
        found = hash_files(root.files(lambda name: name.startswith(".git")), take=take)
    assert {file.name: file.digest for file in found} == expected
    assert taken["weights.bin"] == (model / "weights.bin").read_bytes()


def test_taken_bytes_of_another_length_are_refused(model: Path) -> None:
    with OpenedRoot(model / "config.json") as root, pytest.raises(SourceChangedError, match="changed while it was read"):
        hash_files(root.files(lambda _: False), take=lambda _: memoryview(b"longer than the file"))


@pytest.mark.parametrize("shard_size", [None, 50_000])
def test_file_written_to_while_it_is_hashed_is_refused(shard_size: int | None, model: Path) -> None:
    path = model / "weights.bin"
    changed = threading.Event()

    def advance(_: int) -> None:
        if not changed.is_set():
            changed.set()
            with path.open("r+b") as file:
                file.seek(100)
                file.write(b"!")

    # A clock tick apart, so that the file's times differ on any file system.
    time.sleep(0.02)
    with OpenedRoot(path) as root, pytest.raises(SourceChangedError):
        hash_files(root.files(lambda _: False), shard_size=shard_size, advance=advance)


@pytest.mark.parametrize("length", [0, 100, 300_000])
def test_file_cut_or_extended_while_it_is_hashed_is_refused(length: int, tmp_path: Path) -> None:
    path = tmp_path / "growing"
    path.write_bytes(b"x" * 200_000)

    def files(root: OpenedRoot) -> Iterator[OpenedFile]:
        for file in root.files(lambda _: False):
            os.truncate(path, length)
            yield file

    with OpenedRoot(path) as root, pytest.raises(SourceChangedError):
        hash_files(files(root))


def test_failure_in_one_of_many_files_leaves_nothing_open(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number:03}").write_bytes(b"x" * 1000)
    before = len(list(Path("/proc/self/fd").iterdir()))

    def files(root: OpenedRoot) -> Iterator[OpenedFile]:
        for file in root.files(lambda _: False):
            if file.name == "150":
                os.truncate(tmp_path / "150", 10)
            yield file

    with OpenedRoot(tmp_path) as root, pytest.raises(SourceChangedError):
        hash_files(files(root))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_no_more_files_are_open_than_can_be_worked_on(tmp_path: Path) -> None:
    for number in range(500):
        (tmp_path / f"{number:03}").write_bytes(b"x")
    most = 0

    def files(root: OpenedRoot) -> Iterator[OpenedFile]:
        nonlocal most
        for file in root.files(lambda _: False):
            most = max(most, len(list(Path("/proc/self/fd").iterdir())))
            yield file

    before = len(list(Path("/proc/self/fd").iterdir()))
    with OpenedRoot(tmp_path) as root:
        assert len(hash_files(files(root))) == 500
    assert most - before < 20 + 8 * len(os.sched_getaffinity(0))


def test_bytes_are_counted_once(model: Path) -> None:
    counts: list[int] = []
    with OpenedRoot(model) as root:
        hash_files(root.files(lambda _: False), shard_size=10_000, advance=counts.append)
    assert sum(counts) == sum(path.stat().st_size for path in model.rglob("*") if path.is_file())


def test_unknown_algorithm_is_refused(model: Path) -> None:
    with pytest.raises(InvalidOptionError, match="no digest algorithm 'md5'"):
        hash_tree(model, algorithm="md5")
