"""bridge.trust.tree: what is opened beneath a root, and what is refused without being opened or waited for."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.errors import InvalidOptionError, SourceChangedError, UnsafePathError
from bridge.trust.resource_names import DEEPEST
from bridge.trust.tree import OpenedFile, OpenedRoot


def _names(path: Path, *, allow_hard_links: bool = False) -> list[str]:
    with OpenedRoot(path, allow_hard_links=allow_hard_links) as root:
        names = []
        for file in root.files(lambda _: False):
            names.append(file.name)
            file.close()
        return names


def _open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_every_file_is_found_in_order_and_nothing_stays_open(model: Path) -> None:
    before = _open_descriptors()
    assert _names(model) == [
        ".git/config",
        ".gitignore",
        "config.json",
        "empty",
        "parts/deeper/two.bin",
        "parts/one.bin",
        "weights.bin",
    ]
    assert _open_descriptors() == before


def test_ignored_folder_is_not_entered(model: Path) -> None:
    (model / "parts" / "link").symlink_to("/etc/passwd")
    with OpenedRoot(model) as root:
        names = [file.name for file in _closed(root, "parts")]
    assert "weights.bin" in names
    assert not any(name.startswith("parts") for name in names)


def _closed(root: OpenedRoot, ignored: str) -> list[OpenedFile]:
    files = list(root.files(lambda name: name == ignored))
    for file in files:
        file.close()
    return files


def test_abandoned_walk_closes_its_folders(model: Path) -> None:
    before = _open_descriptors()
    with OpenedRoot(model) as root:
        walk = root.files(lambda _: False)
        next(walk).close()
        del walk
    assert _open_descriptors() == before


def test_single_file_is_a_root(model: Path) -> None:
    assert _names(model / "weights.bin") == ["."]


def _make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


_STRANGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "link to a file": (lambda path: path.symlink_to("/etc/passwd"), "a symbolic link"),
    "link to a folder": (lambda path: path.symlink_to("/etc"), "a symbolic link"),
    "link to nothing": (lambda path: path.symlink_to("nothing"), "a symbolic link"),
    "link to a neighbour": (lambda path: path.symlink_to("config.json"), "a symbolic link"),
    "pipe": (os.mkfifo, "a pipe"),
    "socket": (_make_socket, "a socket"),
    "control character": (lambda path: path.with_name("a\nb").touch(), "a control character"),
    "backslash": (lambda path: path.with_name("a\\b").touch(), "a backslash"),
    "bytes that are not UTF-8": (lambda path: Path(os.fsdecode(os.fsencode(path) + b"\xff")).touch(), "not UTF-8"),
}


@pytest.mark.parametrize("kind", _STRANGE)
@pytest.mark.parametrize("folder", [".", "parts/deeper"])
def test_what_no_signature_can_cover_is_refused_by_path(kind: str, folder: str, model: Path) -> None:
    make, reason = _STRANGE[kind]
    make(model / folder / "strange")
    before = _open_descriptors()
    with pytest.raises(UnsafePathError, match=reason) as caught:
        _names(model)
    assert caught.value.path.startswith("" if folder == "." else folder)
    assert _open_descriptors() == before


@pytest.mark.parametrize("kind", ["link to a folder", "link to a file", "pipe"])
def test_root_that_is_a_link_or_pipe_is_refused(kind: str, tmp_path: Path) -> None:
    _STRANGE[kind][0](tmp_path / "root")
    with pytest.raises(UnsafePathError):
        OpenedRoot(tmp_path / "root")


def test_device_is_refused() -> None:
    with pytest.raises(UnsafePathError, match="a character device"):
        OpenedRoot("/dev/zero")


def test_root_that_is_not_there_is_the_caller_s_mistake(tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="No such file"):
        OpenedRoot(tmp_path / "nothing")


def test_hard_link_is_refused_unless_allowed(model: Path) -> None:
    os.link(model / "config.json", model.parent / "other name")
    with pytest.raises(UnsafePathError, match="2 names"):
        _names(model)
    assert "config.json" in _names(model, allow_hard_links=True)


def test_names_that_normalise_alike_are_refused(model: Path) -> None:
    (model / "caf\u00e9").touch()
    assert "caf\u00e9" in _names(model)
    (model / "cafe\u0301").touch()
    with pytest.raises(UnsafePathError, match="another Unicode form"):
        _names(model)


def test_folders_within_folders_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "root"
    path.joinpath(*["d"] * (DEEPEST + 1)).mkdir(parents=True)
    with pytest.raises(UnsafePathError, match="folders within each other"):
        _names(path)


def test_folder_swapped_for_a_link_after_it_was_opened_makes_no_difference(model: Path) -> None:
    (model.parent / "evil").mkdir()
    (model.parent / "evil" / "two.bin").write_bytes(b"evil")
    with OpenedRoot(model) as root:
        walk = root.files(lambda name: name == "weights.bin")
        files = [next(walk) for _ in range(5)]
        (model / "parts" / "deeper").rename(model.parent / "gone")
        (model / "parts" / "deeper").symlink_to(model.parent / "evil")
        two = next(file for file in files if file.name == "parts/deeper/two.bin")
        assert os.pread(two.descriptor, 10, 0) == b"two"
        for file in (*files, *walk):
            file.close()


def test_root_moved_away_is_still_the_one_that_was_opened(model: Path) -> None:
    with OpenedRoot(model) as root:
        model.rename(model.parent / "moved")
        model.mkdir()
        (model / "evil").touch()
        names = [file.name for file in _closed(root, ignored="")]
    assert "weights.bin" in names
    assert "evil" not in names


@pytest.mark.parametrize("change", [b"longer than before", b"x", b"config{}"[:2]])
def test_file_that_changes_after_it_was_opened_is_noticed(change: bytes, model: Path) -> None:
    with OpenedRoot(model / "config.json") as root:
        file = next(root.files(lambda _: False))
        file.check_unchanged()
        (model / "config.json").write_bytes(change)
        with pytest.raises(SourceChangedError, match="changed while it was read"):
            file.check_unchanged()
        file.close()


def test_small_file_is_read_beneath_the_root_alone(model: Path) -> None:
    (model / "model.sig").write_bytes(b"signature")
    with OpenedRoot(model) as root:
        assert root.read_file("model.sig", 100) == b"signature"
        assert root.read_file("nothing", 100) is None
        with pytest.raises(UnsafePathError, match="more than 4 bytes"):
            root.read_file("model.sig", 4)
        (model / "model.sig").unlink()
        (model / "model.sig").symlink_to("/etc/passwd")
        with pytest.raises(UnsafePathError, match="symbolic link"):
            root.read_file("model.sig", 1 << 20)
