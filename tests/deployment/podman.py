"""Podman, and what it needs to know about the machine that the tests run on.

``BRIDGE_TEST_BASE_IMAGE`` names another base image than the Containerfiles do. ``BRIDGE_TEST_PODMAN``,
``BRIDGE_TEST_PODMAN_BUILD`` and ``BRIDGE_TEST_PODMAN_RUN`` are the command itself and more options of its two commands, for
machines where a container needs some.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bridge.version import __version__
from tests.deployment.manifests import ROOT

BASE = os.environ.get("BRIDGE_TEST_BASE_IMAGE", "docker.io/library/debian:12")
PODMAN = shlex.split(os.environ.get("BRIDGE_TEST_PODMAN", "podman"))
_BUILD = shlex.split(os.environ.get("BRIDGE_TEST_PODMAN_BUILD", ""))
RUN = shlex.split(os.environ.get("BRIDGE_TEST_PODMAN_RUN", ""))
# What the first lines of deploy/serve/Containerfile say, but for the user: who runs the tests may be root.
CONFINED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")  # noqa: S108 - of the container.
_STATE = ("--volume", "/var/lib/bridge")


def podman(*arguments: str, seconds: float = 120, check: bool = True) -> str:
    """What a command of Podman prints on standard output."""
    done = subprocess.run([*PODMAN, *arguments], capture_output=True, text=True, timeout=seconds, check=False)
    if check and done.returncode:
        pytest.fail(f"podman {arguments[0]}: {done.stderr[-3000:]}")
    return done.stdout.strip()


@cache
def missing() -> str:
    """Why nothing can be built here; empty where it can."""
    if shutil.which(PODMAN[0]) is None:
        return "no podman"
    there = subprocess.run([*PODMAN, "image", "exists", BASE], capture_output=True, check=False).returncode == 0
    if not there and subprocess.run([*PODMAN, "pull", "-q", BASE], capture_output=True, check=False).returncode:
        return f"no base image: {BASE} is not here and cannot be pulled"
    return ""


@cache
def built(folder: str) -> str:
    """The image of ``deploy/<folder>``, built from this checkout. The test is skipped where there is no Podman or no base."""
    if missing():
        pytest.skip(missing())
    name = f"localhost/cntk-bridge-{folder}-test:{__version__}"
    file = ROOT / "deploy" / folder / "Containerfile"
    options = ["--format", "docker", "--build-arg", f"BASE={BASE}", *_BUILD]
    podman("build", *options, "-f", str(file), "-t", name, str(ROOT), seconds=3000)
    return name


@dataclass(frozen=True, slots=True)
class Container:
    """A container that was started."""

    name: str

    def run(self, *command: str, check: bool = True) -> str:
        """What a command inside prints."""
        return podman("exec", self.name, *command, check=check)

    def inspect(self, template: str) -> str:
        return podman("inspect", "--format", template, self.name)

    def log(self) -> str:
        done = subprocess.run([*PODMAN, "logs", self.name], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr


@contextmanager
def container(image: str, *arguments: str, volumes: Mapping[Path, str], options: tuple[str, ...] = ()) -> Iterator[Container]:
    """``image`` in the background, confined; ``volumes`` are mounted read only. Removed at the end, whatever happened."""
    mounts = [text for source, target in volumes.items() for text in ("--volume", f"{source}:{target}:ro")]
    identity = podman("run", "--detach", *CONFINED, *_STATE, *RUN, *mounts, *options, image, *arguments)
    try:
        yield Container(identity.splitlines()[-1])
    finally:
        podman("rm", "--force", "--volumes", "--time", "0", identity.splitlines()[-1], check=False)


def once(asked: Callable[[], Any], seconds: float = 90) -> Any:
    """The first answer that is not empty; ``OSError`` counts as none."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            answer = asked()
        except OSError:
            answer = None
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"nothing within {seconds} s")
