"""bridge.targets.atomic: files appear whole or not at all, and sets of them together."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge.errors import WriteError
from bridge.targets.atomic import StagedFile, put_in_place


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _staged(stack: ExitStack, path: Path, content: bytes) -> StagedFile:
    file = stack.enter_context(StagedFile(path))
    os.write(file.descriptor, content)
    return file


def test_file_appears_only_when_put_in_place(tmp_path: Path) -> None:
    with ExitStack() as stack:
        file = _staged(stack, tmp_path / "a", b"new")
        assert not (tmp_path / "a").exists()
        put_in_place([file])
    assert _contents(tmp_path) == {"a": b"new"}


def test_file_never_put_in_place_is_removed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with ExitStack() as stack:
        _staged(stack, tmp_path / "a", b"new")
    assert _contents(tmp_path) == {"a": b"old"}


def test_interruption_removes_the_file(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), StagedFile(tmp_path / "a"):
        raise KeyboardInterrupt
    assert _contents(tmp_path) == {}


def test_file_of_another_writer_of_the_same_destination_is_untouched(tmp_path: Path) -> None:
    with ExitStack() as stack:
        first, second = (_staged(stack, tmp_path / "a", content) for content in (b"first", b"second"))
        assert first.path != second.path
        put_in_place([first])
        put_in_place([second])
    assert _contents(tmp_path) == {"a": b"second"}


@pytest.fixture(params=[0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    chosen: int = request.param
    before = os.umask(chosen)
    yield chosen
    os.umask(before)


def test_mode_honours_the_umask(tmp_path: Path, umask: int) -> None:
    with StagedFile(tmp_path / "a") as file:
        put_in_place([file])
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666 & ~umask


def test_symbolic_link_is_replaced_and_its_target_kept(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"target")
    (tmp_path / "a").symlink_to("target")
    with ExitStack() as stack:
        put_in_place([_staged(stack, tmp_path / "a", b"new")])
    assert not (tmp_path / "a").is_symlink()
    assert _contents(tmp_path) == {"a": b"new", "target": b"target"}


def test_name_of_greatest_length_can_be_written(tmp_path: Path) -> None:
    with ExitStack() as stack:
        put_in_place([_staged(stack, tmp_path / ("n" * 255), b"new")])
    assert _contents(tmp_path) == {"n" * 255: b"new"}


def test_set_replaces_a_set(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"old model")
    (tmp_path / "data").write_bytes(b"old data")
    with ExitStack() as stack:
        put_in_place([_staged(stack, tmp_path / "data", b"new data"), _staged(stack, tmp_path / "model", b"new model")])
    assert _contents(tmp_path) == {"model": b"new model", "data": b"new data"}


@pytest.mark.parametrize("blocked", ["model", "data"])
def test_set_of_which_one_cannot_be_placed_leaves_the_old_set(tmp_path: Path, blocked: str) -> None:
    for name in ("model", "data"):
        (tmp_path / name).write_bytes(b"old")
    with ExitStack() as stack:
        files = {name: _staged(stack, tmp_path / name, b"new") for name in ("data", "model")}
        files[blocked].path.unlink()  # Somebody cleans the folder: the renaming of this file fails.
        with pytest.raises(FileNotFoundError):
            put_in_place(list(files.values()))
    assert _contents(tmp_path) == {"model": b"old", "data": b"old"}


def test_set_that_cannot_be_placed_where_nothing_stood_leaves_nothing(tmp_path: Path) -> None:
    with ExitStack() as stack:
        data, model = (_staged(stack, tmp_path / name, b"new") for name in ("data", "model"))
        model.path.unlink()
        with pytest.raises(FileNotFoundError):
            put_in_place([data, model])
    assert _contents(tmp_path) == {}


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="it is a folder"):
        StagedFile(tmp_path)


def test_device_is_refused() -> None:
    with pytest.raises(WriteError, match="it is a device, a pipe or a socket"):
        StagedFile(Path("/dev/null"))
