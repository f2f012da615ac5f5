"""Who says what a statement says, when, and on what machine. All but the time is personal, and can be left out."""

from __future__ import annotations

import getpass
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Authorship:
    """``at`` is RFC 3339 in UTC. What is not known, or was left out as personal, is empty."""

    at: str
    name: str = ""
    email: str = ""
    user: str = ""
    host: str = ""

    def to_json(self) -> dict[str, str]:
        """What is known."""
        members = {"at": self.at, "name": self.name, "email": self.email, "user": self.user, "host": self.host}
        return {name: value for name, value in members.items() if value}


def authorship(place: Path, *, personal: bool) -> Authorship:
    """Who runs this in ``place``: git's identity there, the account and the machine; without ``personal`` the time alone."""
    if not personal:
        return Authorship(timestamp())
    name, email = (_git_identity(place, setting) for setting in ("user.name", "user.email"))
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # An account without an entry, as in many containers.
        user = ""
    return Authorship(timestamp(), name, email, user, platform.node())


def timestamp(moment: datetime | None = None) -> str:
    """A moment, by default the present, in RFC 3339 with seconds: ``2026-11-21T20:14:00Z``."""
    return (moment or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _git_identity(place: Path, setting: str) -> str:
    folder = place if place.is_dir() else place.parent
    command: list[Any] = ["git", "-C", str(folder), "config", "--get", setting]
    try:
        finished = subprocess.run(command, check=False, capture_output=True, timeout=30, stdin=subprocess.DEVNULL)  # noqa: S603 - the user's own git
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return finished.stdout.decode("utf-8", "replace").strip()[:500] if finished.returncode == 0 else ""
