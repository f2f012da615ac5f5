"""The state of a training repository: commit, whether that is all there was, and where it comes from.

``git`` is asked, because only git reads every repository that git writes. The programs that a repository's own configuration may
name (file system monitors, hooks) are switched off, and nothing is written: no index refresh, no lock.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from bridge.errors import InvalidOptionError
from bridge.trust.provenance.predicates import REPOSITORY, ROLE
from bridge.trust.provenance.resource import Resource

_SECONDS = 120
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_OPTIONS = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-optional-locks")
# A hook or an outer git may have pointed these at another repository.
_MISLEADING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")
# git@host:path, the short form of SSH addresses. A single letter in front of the colon is a drive of Windows.
_SHORT_SSH = re.compile(r"(?:[^@/\s]+@)?(?P<host>[\w.-]{2,}):(?P<path>[^\s]+)")


@dataclass(frozen=True, slots=True)
class Repository:
    """``commit`` is the object name in hexadecimal; ``changed`` counts files that differ from it, untracked ones included."""

    root: Path
    commit: str
    changed: int
    remote: str | None

    @property
    def dirty(self) -> bool:
        """Whether what was trained may differ from what the commit holds."""
        return self.changed > 0

    def to_resource(self) -> Resource:
        """The repository as a dependency of the training."""
        uri = f"git+{self.remote}@{self.commit}" if self.remote else ""
        annotations = {ROLE: REPOSITORY, "dirty": self.dirty, "changedFiles": self.changed}
        return Resource(self.root.name, uri, {"gitCommit": self.commit}, annotations=annotations)


def find_repository(place: Path, *, required: bool) -> Repository | None:
    """The repository that holds ``place``. Without one: ``None``, or ``InvalidOptionError`` where it is ``required``."""
    answers = [_git(place, *arguments) for arguments in (("rev-parse", "--show-toplevel"), ("rev-parse", "--verify", "HEAD"))]
    root, commit = (answer.strip() if answer is not None else "" for answer in answers)
    if not root or not _COMMIT.fullmatch(commit):
        if required:
            raise InvalidOptionError(
                f"{place} is not in a git repository with a commit, or git refuses it; name the training repository, or none"
            )
        return None
    # Untracked files count: what was trained with may be one of them.
    status = _git(Path(root), "status", "--porcelain=v1", "-z", "--untracked-files=normal", "--no-renames")
    if status is None:
        raise InvalidOptionError(f"git cannot tell the state of {root}; see `git -C {root} status`")
    remote = _git(Path(root), "config", "--get", "remote.origin.url")
    return Repository(Path(root), commit, status.count("\0"), without_credentials(remote.strip()) if remote else None)


def without_credentials(url: str) -> str | None:
    """``url`` without user, password, query and fragment, each of which may be a secret; ``None`` for a place on this machine.

    ``https://user:token@host/path`` becomes ``https://host/path``, and ``git@host:path`` becomes ``ssh://host/path``.
    """
    if "://" in url:
        parts = urlsplit(url)
        try:
            port = f":{parts.port}" if parts.port is not None else ""
        except ValueError:
            return None
        if parts.scheme == "file" or not parts.hostname:
            return None
        return urlunsplit((parts.scheme, f"{parts.hostname}{port}", parts.path, "", ""))
    short = _SHORT_SSH.fullmatch(url)
    return f"ssh://{short['host']}/{short['path'].lstrip('/')}" if short is not None else None


def _git(place: Path, *arguments: str) -> str | None:
    """What git answers in ``place``, or ``None`` where it is not there or refuses."""
    folder = place if place.is_dir() else place.parent
    environment = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command = ["git", *_OPTIONS, "-C", str(folder), *arguments]
    try:
        finished = subprocess.run(  # noqa: S603 - the user's own git, and arguments of our making
            command, check=False, capture_output=True, timeout=_SECONDS, env=environment, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return finished.stdout.decode("utf-8", "replace") if finished.returncode == 0 else None
