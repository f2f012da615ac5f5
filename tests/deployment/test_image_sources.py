"""What images are made of: pinned by hashes, named where it stands, and nothing besides."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.deployment.manifests import CONTAINERFILES, DEPLOY, ROOT, SERVE, instructions
from tests.serve.running import LENET, models_for, running

LOCKS = ("serve", "core", "build")
_PINNED = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>\S+) \\")


def locked(name: str) -> dict[str, Version]:
    """The distributions that a lock pins."""
    lines = (DEPLOY / "requirements" / f"{name}.txt").read_text().splitlines()
    return {found["name"]: Version(found["version"]) for line in lines if (found := _PINNED.fullmatch(line))}


def required(lock: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    if lock == "build":
        return [Requirement(text) for text in project["build-system"]["requires"]]
    extras = project["project"]["optional-dependencies"]["serve"] if lock == "serve" else []
    return [Requirement(text) for text in [*project["project"]["dependencies"], *extras]]


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_have_what_the_project_asks_for(lock: str) -> None:
    pinned = locked(lock)
    for requirement in required(lock):
        assert requirement.name in pinned, "run deploy/requirements/lock"
        assert requirement.specifier.contains(pinned[requirement.name]), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_is_a_pin_or_a_hash(lock: str) -> None:
    lines = [
        line for line in (DEPLOY / "requirements" / f"{lock}.txt").read_text().splitlines() if not line.lstrip().startswith("#")
    ]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if not line.startswith(" "):
            assert _PINNED.fullmatch(line), line
            assert following.startswith("    --hash=sha256:"), line
        else:
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line), line


def test_the_core_is_locked_alike_in_both_images() -> None:
    core, serve = locked("core"), locked("serve")
    assert core.items() <= serve.items()


@pytest.mark.parametrize("containerfile", CONTAINERFILES, ids=lambda path: path.parent.name)
def test_images_install_nothing_without_its_hash(containerfile: Path) -> None:
    commands = [command for line in instructions(containerfile) for command in line.split("&&") if "pip install" in command]
    assert commands
    for command in commands:
        assert "--require-hashes" in command or "--no-index --no-deps" in command, command


@pytest.mark.parametrize("containerfile", CONTAINERFILES, ids=lambda path: path.parent.name)
def test_images_run_as_nobody_in_particular_on_a_base_of_choice(containerfile: Path) -> None:
    lines = instructions(containerfile)
    users = [line for line in lines if line.startswith("USER")]
    entry = next(index for index, line in enumerate(lines) if line.startswith("ENTRYPOINT"))
    assert users == ["USER 10001:10001"]
    assert lines.index(users[0]) < entry
    assert {line.split()[1] for line in lines if line.startswith("FROM")} == {"${BASE}"}


@pytest.mark.parametrize("containerfile", CONTAINERFILES, ids=lambda path: path.parent.name)
def test_what_images_copy_is_there_and_not_ignored(containerfile: Path) -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for path in kept:
        assert (ROOT / path).exists(), path
    for line in instructions(containerfile):
        if line.startswith("COPY") and "--from" not in line:
            source = line.split()[1]
            assert source == "." or source in kept, line
    # The wheel's own files: what hatchling packs and what it reads beside that.
    assert {"bridge", "verify", "pyproject.toml", "README.md", "LICENSE"} <= set(kept)


def healthy(address: str) -> int:
    environment = {**os.environ, "BRIDGE_STATUS": address}
    done = subprocess.run([sys.executable, SERVE / "healthy.py"], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode


def test_the_health_check_tells_a_ready_server_from_a_draining_one_and_from_none() -> None:
    with running(models_for(LENET), grpc_port=None) as server:
        address = f"http://127.0.0.1:{server.admin}/status.json"
        assert healthy(address) == 0
        server.server._inference.draining = True
        assert healthy(address) == 1
        assert healthy(f"http://127.0.0.1:{server.admin}/metrics") == 1
    assert healthy(address) == 1
