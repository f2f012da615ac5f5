"""bridge.sealed: which files are opened, what is hashed, and what is noticed."""

from __future__ import annotations

import fcntl
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
from bridge.free_memory import free_memory
from bridge.limits import Limits
from bridge.sealed import SealedSource


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "model.dnn"
    path.write_bytes(content)
    return path


def test_view_holds_the_bytes_of_the_file(tmp_path: Path) -> None:
    with SealedSource(_file(tmp_path, b"seven42")) as source:
        assert bytes(source.view) == b"seven42"
        assert source.size == 7
        assert source.view.readonly


@pytest.mark.parametrize("size", [1, 4096, (4 << 20) - 1, (4 << 20) + 1, 9 << 20])
def test_hash_is_that_of_the_whole_file(tmp_path: Path, size: int) -> None:
    content = np.random.default_rng(size).bytes(size)
    with SealedSource(_file(tmp_path, content)) as source:
        assert source.sha256() == hashlib.sha256(content).hexdigest()


def test_hash_can_be_asked_for_after_closing_once_it_was_computed(tmp_path: Path) -> None:
    with SealedSource(_file(tmp_path, b"abc")) as source:
        digest = source.sha256()
    assert source.sha256() == digest == hashlib.sha256(b"abc").hexdigest()


def test_path_may_be_a_string(tmp_path: Path) -> None:
    with SealedSource(str(_file(tmp_path, b"abc"))) as source:
        assert source.size == 3


def test_closing_at_once_stops_the_hashing_thread(tmp_path: Path) -> None:
    path = _file(tmp_path, b"")
    os.truncate(path, 256 << 20)  # Sparse: hashing all of it would take longer than copying it.
    SealedSource(path).close()
    assert not [thread for thread in threading.enumerate() if thread.name == "source-sha256"]


def test_hash_of_a_source_closed_too_early_is_an_error(tmp_path: Path) -> None:
    path = _file(tmp_path, b"")
    os.truncate(path, 256 << 20)
    source = SealedSource(path)
    source.close()
    with pytest.raises(ValueError, match="closed before"):
        source.sha256()


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    source = SealedSource(_file(tmp_path, b"abc"))
    source.close()
    source.close()


def test_array_outlives_the_source(tmp_path: Path) -> None:
    expected = np.arange(5000, dtype=np.float32)
    with SealedSource(_file(tmp_path, b"x" + expected.tobytes())) as source:
        array = np.frombuffer(source.view, np.float32, count=5000, offset=1)
    gc.collect()
    np.testing.assert_array_equal(array, expected)


def test_memory_is_given_back_when_the_last_array_is_gone(tmp_path: Path) -> None:
    path = _file(tmp_path, bytes(1 << 20))

    def held() -> bool:
        return "memfd:bridge-source" in Path("/proc/self/maps").read_text(encoding="utf-8")

    with SealedSource(path) as source:
        array = np.frombuffer(source.view, np.uint8)
    assert held()
    gone = weakref.ref(array)
    del array
    gc.collect()
    assert gone() is None
    assert not held()


def test_descriptor_is_closed(tmp_path: Path) -> None:
    path = _file(tmp_path, b"abc")

    def descriptors() -> list[Path]:
        return [entry for entry in Path("/proc/self/fd").iterdir() if entry.resolve() == path.resolve()]

    before = len(list(Path("/proc/self/fd").iterdir()))
    SealedSource(path).close()
    assert not descriptors()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_descriptor_is_closed_when_the_file_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, b"")
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(NotAModelError):
        SealedSource(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_file_rewritten_afterwards_changes_nothing(tmp_path: Path) -> None:
    path = _file(tmp_path, b"abcdef")
    with SealedSource(path) as source:
        with path.open("r+b") as file:
            file.write(b"X")
        assert bytes(source.view) == b"abcdef"
        assert source.sha256() == hashlib.sha256(b"abcdef").hexdigest()


def test_file_cut_short_afterwards_does_not_end_the_process(tmp_path: Path) -> None:
    content = np.random.default_rng(1).bytes(1 << 20)
    path = _file(tmp_path, content)
    with SealedSource(path) as source:
        os.truncate(path, 0)
        assert bytes(source.view[-4096:]) == content[-4096:]  # A mapping of the file would end here with SIGBUS.


def test_file_replaced_at_its_path_is_not_the_one_that_was_opened(tmp_path: Path) -> None:
    path = _file(tmp_path, b"old")
    with SealedSource(path) as source:
        other = tmp_path / "other"
        other.write_bytes(b"new")
        other.replace(path)
        assert bytes(source.view) == b"old"
        assert source.sha256() == hashlib.sha256(b"old").hexdigest()


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no file '.*nowhere\.dnn'"):
        SealedSource(tmp_path / "nowhere.dnn")


def test_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAModelError, match="expected a regular file; found a directory"):
        SealedSource(tmp_path)


def test_pipe_without_a_writer_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(NotAModelError, match="found a pipe"):
        SealedSource(pipe)


def test_device_is_refused() -> None:
    with pytest.raises(NotAModelError, match="found a character device"):
        SealedSource("/dev/zero")


def test_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # A socket's path may have 107 bytes only.
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(SourceError, match="cannot open 'socket'"):
            SealedSource("socket")


def test_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAModelError, match="is empty"):
        SealedSource(_file(tmp_path, b""))


def test_file_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LimitExceededError, match=r"file length too great.*expected at most 3; found 4"):
        SealedSource(_file(tmp_path, b"four"), Limits(file_bytes=3))


def test_path_with_a_zero_character_is_refused() -> None:
    with pytest.raises(SourceError, match="is not a path"):
        SealedSource("model\0.dnn")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, b"abc")
    path.chmod(0)
    with pytest.raises(SourceError, match="Permission denied"):
        SealedSource(path)


def test_memory_cannot_be_written_to_by_anyone(tmp_path: Path) -> None:
    with SealedSource(_file(tmp_path, b"abc")) as source, pytest.raises(TypeError, match="read-only"):
        source.view[0] = 0
    with SealedSource(_file(tmp_path, b"abc")) as source:
        with pytest.raises(PermissionError):
            os.pwrite(source.memory, b"X", 0)
        for length in (1, 5):
            with pytest.raises(PermissionError):
                os.ftruncate(source.memory, length)
        with pytest.raises(PermissionError):
            fcntl.fcntl(source.memory, fcntl.F_ADD_SEALS, 0)
        assert bytes(source.view) == os.pread(source.memory, 9, 0) == b"abc"


def test_file_written_to_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, bytes(256 << 20))
    stop = threading.Event()

    def write() -> None:
        with path.open("r+b", buffering=0) as file:
            while not stop.is_set():
                os.pwrite(file.fileno(), b"X", 0)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(SourceChangedError, match="changed while it was read") as caught:
            SealedSource(path)
    finally:
        stop.set()
        writer.join()
    assert "st_ctime_ns" in str(caught.value)
    assert "once nothing writes to the file" in str(caught.value)


def test_file_cut_short_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, bytes(256 << 20))
    started = threading.Event()

    def cut() -> None:
        started.set()
        while not [thread for thread in threading.enumerate() if thread.name == "source-sha256"]:
            pass
        os.truncate(path, 1)

    cutter = threading.Thread(target=cut)
    cutter.start()
    started.wait()
    try:
        with pytest.raises(SourceChangedError, match=r"changed while it was read|cut short"):
            SealedSource(path)
    finally:
        cutter.join()


def test_growing_file_is_refused_and_its_growth_is_not_read(tmp_path: Path) -> None:
    path = _file(tmp_path, bytes(64 << 20))
    stop = threading.Event()

    def grow() -> None:
        with path.open("ab", buffering=0) as file:
            while not stop.is_set():
                file.write(bytes(4096))

    grower = threading.Thread(target=grow)
    grower.start()
    try:
        with pytest.raises(SourceChangedError, match="st_size"):
            SealedSource(path)
    finally:
        stop.set()
        grower.join()


def test_file_that_memory_cannot_hold_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = _file(tmp_path, b"")
    os.truncate(path, free_memory() * 2)  # Sparse: it takes no room on the disk.
    with pytest.raises(SourceError, match="does not fit into memory"):
        SealedSource(path, Limits(file_bytes=1 << 62))


def test_open_descriptor_is_read_and_stays_open(tmp_path: Path) -> None:
    descriptor = os.open(_file(tmp_path, b"abc"), os.O_RDONLY)
    with SealedSource("model.onnx", descriptor=descriptor) as source:
        assert bytes(source.view) == b"abc"
    assert os.fstat(descriptor).st_size == 3
    os.close(descriptor)


def test_descriptor_of_something_else_is_refused_by_its_name(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(NotAModelError, match=r"'folder/model\.onnx' cannot be converted.*found a directory"):
        SealedSource("folder/model.onnx", descriptor=descriptor)
    os.close(descriptor)
