"""Wheels are read once, and refused before anything of them is unpacked."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from bridge.errors import ReferenceChangedError, ReferenceMissingError
from bridge.reference.installation import unpack_wheel
from bridge.reference.interpreter import Interpreter
from bridge.reference.wheels import fetch_wheels, read_wheel
from tests.reference.wheel_making import FILES, make_lock, make_wheel

NO_PYTHON = Interpreter(Path("/nonexistent/python3.6"), "3.6.15", Path(), Path(), ())


def _ignore(_step: str, _done: int) -> None:
    pass


def test_the_pinned_wheel_is_taken_from_a_folder(tmp_path: Path) -> None:
    wheel, data = make_wheel()
    (tmp_path / wheel.file).write_bytes(data)
    assert fetch_wheels(make_lock(wheel), NO_PYTHON, tmp_path, _ignore) == {wheel: data}


def test_a_tampered_wheel_is_refused_with_both_digests(tmp_path: Path) -> None:
    wheel, data = make_wheel()
    other = bytearray(data)
    other[len(other) // 2] ^= 1
    (tmp_path / wheel.file).write_bytes(other)
    with pytest.raises(ReferenceChangedError) as caught:
        read_wheel(tmp_path / wheel.file, wheel)
    assert wheel.file in str(caught.value)
    assert f"expected SHA-256 {wheel.sha256}" in str(caught.value)
    assert "computed " in str(caught.value)


@pytest.mark.parametrize("change", [-1, 1])
def test_a_wheel_of_another_size_is_refused(tmp_path: Path, change: int) -> None:
    wheel, data = make_wheel()
    (tmp_path / wheel.file).write_bytes(data[:change] if change < 0 else data + b"\0")
    with pytest.raises(ReferenceChangedError, match=f"expected {wheel.bytes} bytes"):
        read_wheel(tmp_path / wheel.file, wheel)


def test_an_endless_file_is_read_no_further_than_the_wheel_is_long() -> None:
    with pytest.raises(ReferenceChangedError, match="a longer file"):
        read_wheel(Path("/dev/zero"), make_wheel()[0])


def test_a_wheel_that_is_not_there_is_named(tmp_path: Path) -> None:
    wheel, _ = make_wheel()
    with pytest.raises(ReferenceMissingError, match=wheel.file):
        fetch_wheels(make_lock(wheel), NO_PYTHON, tmp_path, _ignore)


def test_unpacked_files_are_the_wheels_and_read_only(tmp_path: Path) -> None:
    wheel, data = make_wheel()
    unpack_wheel(data, wheel, tmp_path)
    for path, content in FILES.items():
        assert (tmp_path / path).read_bytes() == content
        assert (tmp_path / path).stat().st_mode & 0o222 == 0


@pytest.mark.parametrize("name", ["../outside.py", "/outside.py", "engine/../../outside.py"])
def test_an_entry_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, b"")
    wheel, _ = make_wheel()
    (tmp_path / "modules").mkdir()
    with pytest.raises(ReferenceChangedError, match="outside"):
        unpack_wheel(buffer.getvalue(), wheel, tmp_path / "modules")
    assert [path.name for path in tmp_path.iterdir()] == ["modules"]


def test_an_entry_twice_is_no_way_to_replace_a_file(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("engine.py", b"first")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("engine.py", b"second")
    with pytest.raises(FileExistsError):
        unpack_wheel(buffer.getvalue(), make_wheel()[0], tmp_path)
