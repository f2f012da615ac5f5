import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bridge.errors import InvalidOptionError
from bridge.trust.provenance.repository import find_repository, without_credentials

GIT = shutil.which("git") or "git"


def git(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    finished = subprocess.run(
        [GIT, *identity, *arguments], check=True, cwd=folder, env=environment, capture_output=True, text=True
    )
    return finished.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "training"
    (folder / "scripts").mkdir(parents=True)
    (folder / "scripts" / "train.py").write_text("train()\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    git(folder, "remote", "add", "origin", "https://ada:secret-token@git.example.org/team/digits.git")
    return folder


def test_commit_and_remote_are_found_from_a_file_in_the_repository(repository: Path) -> None:
    found = find_repository(repository / "scripts" / "train.py", required=True)
    assert found is not None
    assert found.commit == git(repository, "rev-parse", "HEAD")
    assert not found.dirty
    resource = found.to_resource().to_json()
    assert resource["uri"] == f"git+https://git.example.org/team/digits.git@{found.commit}"
    assert resource["digest"] == {"gitCommit": found.commit}
    assert "secret-token" not in str(resource)


def test_changed_and_untracked_files_make_it_dirty(repository: Path) -> None:
    (repository / "scripts" / "train.py").write_text("train(harder=True)\n")
    (repository / "two\nlines.py").write_text("")
    found = find_repository(repository, required=True)
    assert found is not None
    assert (found.dirty, found.changed) == (True, 2)


def test_folder_outside_any_repository_has_none(tmp_path: Path) -> None:
    assert find_repository(tmp_path, required=False) is None
    with pytest.raises(InvalidOptionError, match="not in a git repository"):
        find_repository(tmp_path, required=True)


def test_repository_without_a_commit_is_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert find_repository(tmp_path, required=False) is None


def test_environment_cannot_point_to_another_repository(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    found = find_repository(repository, required=True)
    assert found is not None
    assert found.root == repository.resolve()


def test_programs_that_the_repository_names_are_not_run(repository: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    program = tmp_path / "monitor"
    program.write_text(f"#!/bin/sh\ntouch '{ran}'\n")
    program.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(program))
    assert find_repository(repository, required=True) is not None
    assert not ran.exists()
    git(repository, "status")
    assert ran.exists(), "git itself would have run it"


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://user:token@host.example/team/x.git", "https://host.example/team/x.git"),
        ("https://token@host.example:8443/x", "https://host.example:8443/x"),
        ("https://host.example/x?private_token=secret#part", "https://host.example/x"),
        ("ssh://git:word@host.example/x", "ssh://host.example/x"),
        ("git@host.example:team/x.git", "ssh://host.example/team/x.git"),
        ("host.example:/srv/x.git", "ssh://host.example/srv/x.git"),
        ("file:///home/ada/secret/x", None),
        ("/home/ada/secret/x", None),
        ("../x", None),
        ("C:/Users/ada/x", None),
        ("https://host.example:port/x", None),
        ("https:///x", None),
    ],
)
def test_credentials_and_places_on_this_machine_are_left_out_of_addresses(url: str, clean: str | None) -> None:
    assert without_credentials(url) == clean
