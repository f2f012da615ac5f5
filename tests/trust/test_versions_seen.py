"""bridge.trust.versions_seen: what is remembered, for whom, and that no fault of the store is taken for an empty one."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.errors import InvalidOptionError, PolicyError
from bridge.trust.versions_seen import VersionsSeen, default_place, parse_version

ROOT = "a" * 64


def test_nothing_is_remembered_at_first_and_nothing_is_written(tmp_path: Path) -> None:
    store = VersionsSeen(tmp_path / "state" / "versions.sqlite")
    assert store.highest("digits") is None
    assert not store.path.parent.exists()


def test_highest_version_is_remembered_for_each_model(tmp_path: Path) -> None:
    path = tmp_path / "versions.sqlite"
    for version in ("1.9", "1.10", "1.10.0"):
        VersionsSeen(path).remember("digits", version, ROOT)
    VersionsSeen(path).remember("letters", "0.1", ROOT)
    assert VersionsSeen(path).highest("digits") == "1.10"
    assert VersionsSeen(path).highest("letters") == "0.1"


def test_lower_version_is_refused_by_name_and_changes_nothing(tmp_path: Path) -> None:
    store = VersionsSeen(tmp_path / "versions.sqlite")
    store.remember("digits", "2.0", ROOT)
    with pytest.raises(PolicyError, match=r"'digits' is of version 1\.99, and 2\.0 was accepted before") as caught:
        store.remember("digits", "1.99", ROOT)
    assert caught.value.rule == "rollback"
    assert store.highest("digits") == "2.0"


@pytest.mark.parametrize(("low", "high"), [("1", "2"), ("2.9", "2.10"), ("1.0", "1.0.1"), ("0.9.9", "1")])
def test_versions_compare_by_their_numbers(low: str, high: str) -> None:
    assert parse_version(low) < parse_version(high)


def test_zeros_at_the_end_say_nothing() -> None:
    assert parse_version("2") == parse_version("2.0.0")


@pytest.mark.parametrize("text", ["", "v1", "1.", "1..2", "-1", "1.0-beta", "1" * 10, "1.1.1.1.1.1.1", "１", "1\n"])
def test_other_texts_are_no_versions(text: str) -> None:
    with pytest.raises(InvalidOptionError, match="no version"):
        parse_version(text)


def test_damaged_store_is_refused_and_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "versions.sqlite"
    path.write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(PolicyError, match=r"rollback.*cannot be read or written"):
        VersionsSeen(path).highest("digits")


def test_store_with_nonsense_in_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "versions.sqlite"
    VersionsSeen(path).remember("digits", "1", ROOT)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE highest SET version = 'latest'")
    connection.close()
    with pytest.raises(PolicyError, match="no version: 'latest'"):
        VersionsSeen(path).remember("digits", "2", ROOT)


def test_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PolicyError, match="cannot be read or written"):
        VersionsSeen(tmp_path / "file" / "versions.sqlite").remember("digits", "1", ROOT)


def test_names_are_data_and_never_sql(tmp_path: Path) -> None:
    store = VersionsSeen(tmp_path / "versions.sqlite")
    name = "x'); DROP TABLE highest; --"
    store.remember(name, "1", ROOT)
    assert store.highest(name) == "1"


def test_place_follows_the_base_directory_specification(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_place() == tmp_path / "cntk-bridge" / "versions.sqlite"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_place() == tmp_path / ".local" / "state" / "cntk-bridge" / "versions.sqlite"


_RACER = """
import sys
from bridge.errors import PolicyError
from bridge.trust.versions_seen import VersionsSeen
for version in range(int(sys.argv[2]), 60, 4):
    try:
        VersionsSeen(sys.argv[1]).remember("digits", str(version), "a" * 64)
    except PolicyError as error:
        assert error.rule == "rollback" and "was accepted before" in str(error), error
"""


def test_processes_that_accept_at_once_end_at_the_highest(tmp_path: Path) -> None:
    path = tmp_path / "versions.sqlite"
    racers = [subprocess.Popen([sys.executable, "-c", _RACER, str(path), str(first)]) for first in range(4)]
    assert [racer.wait(60) for racer in racers] == [0, 0, 0, 0]
    assert VersionsSeen(path).highest("digits") == "59"
