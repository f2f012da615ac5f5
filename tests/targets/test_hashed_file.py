"""bridge.targets.hashed_file: the hash is that of the file, however the bytes came."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.targets.hashed_file import HashedFile

# Below and above what is gathered, what is written through, and what is cut.
LENGTHS = st.sampled_from([0, 1, 100, (64 << 10) - 1, 64 << 10, 1 << 20, (4 << 20) - 1, (4 << 20) + 1])


@settings(max_examples=20, deadline=None)
@given(st.lists(LENGTHS, max_size=6), st.integers(0, 1000))
def test_file_and_hash_are_those_of_the_pieces(lengths: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    pieces = [random.bytes(length) for length in lengths]
    descriptor = os.memfd_create("test")
    try:
        with HashedFile(descriptor) as file:
            for piece in pieces:
                file.write(memoryview(piece))
            digest = file.finish()
        expected = b"".join(pieces)
        assert os.pread(descriptor, len(expected) + 1, 0) == expected
    finally:
        os.close(descriptor)
    assert file.size == len(expected)
    assert digest == hashlib.sha256(expected).hexdigest()


def test_many_small_pieces_are_gathered_in_order(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as out, HashedFile(out.fileno()) as file:
        for number in range(300_000):
            file.write(number.to_bytes(4, "big"))
        file.finish()
    assert path.read_bytes() == np.arange(300_000, dtype=">u4").tobytes()


def test_failure_to_write_ends_the_hashing_thread(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with (
        path.open("rb") as unwritable,
        pytest.raises(OSError, match="Bad file descriptor"),
        HashedFile(unwritable.fileno()) as file,
    ):
        file.write(bytes(100 << 20))
    assert not [thread for thread in threading.enumerate() if thread.name == "output-sha256"]
