"""bridge.mapped: which files are opened, what is hashed, and what is noticed."""

from __future__ import annotations

import gc
import hashlib
import os
import socket
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import LimitExceededError, NotAModelError, SourceChangedError, SourceError
from bridge.limits import Limits
from bridge.mapped import MappedSource


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "model.dnn"
    path.write_bytes(content)
    return path


def test_view_holds_the_bytes_of_the_file(tmp_path: Path) -> None:
    with MappedSource(_file(tmp_path, b"seven42")) as source:
        assert bytes(source.view) == b"seven42"
        assert source.size == 7
        assert source.view.readonly


@pytest.mark.parametrize("size", [1, 4096, (4 << 20) - 1, (4 << 20) + 1, 9 << 20])
def test_hash_is_that_of_the_whole_file(tmp_path: Path, size: int) -> None:
    content = np.random.default_rng(size).bytes(size)
    with MappedSource(_file(tmp_path, content)) as source:
        assert source.sha256() == hashlib.sha256(content).hexdigest()


def test_hash_can_be_asked_for_after_closing_once_it_was_computed(tmp_path: Path) -> None:
    with MappedSource(_file(tmp_path, b"abc")) as source:
        digest = source.sha256()
    assert source.sha256() == digest == hashlib.sha256(b"abc").hexdigest()


def test_path_may_be_a_string(tmp_path: Path) -> None:
    with MappedSource(str(_file(tmp_path, b"abc"))) as source:
        assert source.size == 3


def test_closing_at_once_stops_the_hashing_thread(tmp_path: Path) -> None:
    path = _file(tmp_path, b"")
    os.truncate(path, 4 << 30)  # Sparse: hashing all of it would take seconds.
    MappedSource(path).close()
    assert not [thread for thread in threading.enumerate() if thread.name == "source-sha256"]


def test_hash_of_a_source_closed_too_early_is_an_error(tmp_path: Path) -> None:
    path = _file(tmp_path, b"")
    os.truncate(path, 4 << 30)
    source = MappedSource(path)
    source.close()
    with pytest.raises(ValueError, match="closed before"):
        source.sha256()


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    source = MappedSource(_file(tmp_path, b"abc"))
    source.close()
    source.close()


def test_array_outlives_the_source(tmp_path: Path) -> None:
    expected = np.arange(5000, dtype=np.float32)
    with MappedSource(_file(tmp_path, b"x" + expected.tobytes())) as source:
        array = np.frombuffer(source.view, np.float32, count=5000, offset=1)
    gc.collect()
    np.testing.assert_array_equal(array, expected)


def test_memory_is_unmapped_when_the_last_array_is_gone(tmp_path: Path) -> None:
    path = _file(tmp_path, bytes(1 << 20))

    def mapped() -> bool:
        return str(path) in Path("/proc/self/maps").read_text(encoding="utf-8")

    with MappedSource(path) as source:
        array = np.frombuffer(source.view, np.uint8)
    assert mapped()
    gone = weakref.ref(array)
    del array
    gc.collect()
    assert gone() is None
    assert not mapped()


def test_descriptor_is_closed(tmp_path: Path) -> None:
    path = _file(tmp_path, b"abc")

    def descriptors() -> list[Path]:
        return [entry for entry in Path("/proc/self/fd").iterdir() if entry.resolve() == path.resolve()]

    with MappedSource(path):
        assert descriptors()
    assert not descriptors()


def test_descriptor_is_closed_when_the_file_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, b"")
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(NotAModelError):
        MappedSource(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_unchanged_file_passes(tmp_path: Path) -> None:
    with MappedSource(_file(tmp_path, b"abc")) as source:
        source.check_unchanged()


def test_file_written_to_meanwhile_is_noticed(tmp_path: Path) -> None:
    path = _file(tmp_path, b"abcdef")
    os.utime(path, ns=(0, 0))
    with MappedSource(path) as source:
        with path.open("r+b") as file:
            file.write(b"X")
        with pytest.raises(SourceChangedError, match="changed while it was read") as caught:
            source.check_unchanged()
    assert "st_mtime_ns" in str(caught.value)
    assert "convert a copy" in str(caught.value)


def test_time_put_back_does_not_hide_a_change(tmp_path: Path) -> None:
    path = _file(tmp_path, b"abcdef")
    os.utime(path, ns=(1_000, 1_000))
    with MappedSource(path) as source:
        threading.Event().wait(0.02)  # Beyond the granularity of the clock that stamps inodes.
        with path.open("r+b") as file:
            file.write(b"X")
        os.utime(path, ns=(1_000, 1_000))
        with pytest.raises(SourceChangedError, match="st_ctime_ns"):
            source.check_unchanged()


def test_file_replaced_at_its_path_is_not_the_one_that_was_opened(tmp_path: Path) -> None:
    path = _file(tmp_path, b"old")
    with MappedSource(path) as source:
        other = tmp_path / "other"
        other.write_bytes(b"new")
        other.replace(path)
        assert bytes(source.view) == b"old"
        assert source.sha256() == hashlib.sha256(b"old").hexdigest()


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no file '.*nowhere\.dnn'"):
        MappedSource(tmp_path / "nowhere.dnn")


def test_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAModelError, match="expected a regular file; found a directory"):
        MappedSource(tmp_path)


def test_pipe_without_a_writer_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(NotAModelError, match="found a pipe"):
        MappedSource(pipe)


def test_device_is_refused() -> None:
    with pytest.raises(NotAModelError, match="found a character device"):
        MappedSource("/dev/zero")


def test_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # A socket's path may have 107 bytes only.
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(SourceError, match="cannot open 'socket'"):
            MappedSource("socket")


def test_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAModelError, match="is empty"):
        MappedSource(_file(tmp_path, b""))


def test_file_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LimitExceededError, match=r"file length too great.*expected at most 3; found 4"):
        MappedSource(_file(tmp_path, b"four"), Limits(file_bytes=3))


def test_path_with_a_zero_character_is_refused() -> None:
    with pytest.raises(SourceError, match="is not a path"):
        MappedSource("model\0.dnn")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, b"abc")
    path.chmod(0)
    with pytest.raises(SourceError, match="Permission denied"):
        MappedSource(path)
