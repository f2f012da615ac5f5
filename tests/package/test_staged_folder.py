import os
from pathlib import Path

import pytest

from bridge.errors import WriteError
from bridge.package.staged_folder import StagedFolder


def names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


def abandon(destination: Path) -> None:
    with StagedFolder(destination) as folder:
        fill(folder, "new")
        raise KeyboardInterrupt


def put_over_a_new_thesis(destination: Path) -> None:
    with StagedFolder(destination) as folder:
        destination.mkdir()
        (destination / "thesis.tex").write_text("years of work")
        folder.put_in_place()


def fill(folder: StagedFolder, text: str) -> None:
    (folder.path / "interface.json").write_text(text)


def test_folder_appears_when_it_is_put_in_place(tmp_path: Path) -> None:
    with StagedFolder(tmp_path / "package") as folder:
        fill(folder, "new")
        assert not (tmp_path / "package").exists()
        folder.put_in_place()
    assert (tmp_path / "package" / "interface.json").read_text() == "new"
    assert names(tmp_path) == ["package"]


def test_folder_that_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        abandon(tmp_path / "package")
    assert names(tmp_path) == []


def test_package_is_replaced_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "package" / "reports").mkdir(parents=True)
    (tmp_path / "package" / "claims.jsonl").write_text("old")
    with StagedFolder(tmp_path / "package") as folder:
        fill(folder, "new")
        folder.put_in_place()
    assert names(tmp_path / "package") == ["interface.json"]
    assert names(tmp_path) == ["package"]


def test_folder_with_other_files_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "thesis.tex").write_text("years of work")
    with pytest.raises(WriteError, match=r"holds 'thesis\.tex', which no package does"):
        StagedFolder(tmp_path / "package")
    assert (tmp_path / "package" / "thesis.tex").exists()


def test_files_that_appear_meanwhile_are_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="thesis"):
        put_over_a_new_thesis(tmp_path / "package")
    assert names(tmp_path) == ["package"]


def test_link_and_file_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    (tmp_path / "file").write_text("")
    for name in ("link", "file"):
        with pytest.raises(WriteError, match="a file or link is there"):
            StagedFolder(tmp_path / name)


def test_nobody_else_can_enter_until_it_is_in_place(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with StagedFolder(tmp_path / "package") as folder:
            assert folder.path.stat().st_mode & 0o777 == 0o700
            folder.put_in_place()
    finally:
        os.umask(before)
    assert (tmp_path / "package").stat().st_mode & 0o777 == 0o755


def test_folder_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="create the folder first"):
        StagedFolder(tmp_path / "none" / "package")
