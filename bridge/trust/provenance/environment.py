"""With what a model was trained: interpreter, platform, and the versions of the packages installed.

CNTK lives in a Python that this program does not run on, so another interpreter can be asked: a few lines that every Python
since 3.4 understands, run in it without its start-up files and without the current folder on its path.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from bridge.errors import InvalidOptionError

_SECONDS = 120
_PACKAGES_AT_MOST = 5_000
_TEXT_AT_MOST = 500  # characters
_ANSWER_AT_MOST = 4 << 20  # bytes

_PROBE = """
import json, platform, sys
try:
    from importlib.metadata import distributions
    found = [(d.metadata["Name"], d.version) for d in distributions()]
except ImportError:
    import pkg_resources
    found = [(d.project_name, d.version) for d in pkg_resources.working_set]
print(json.dumps({
    "python": platform.python_version(),
    "implementation": platform.python_implementation(),
    "platform": platform.platform(),
    "machine": platform.machine(),
    "packages": {name: version for name, version in found if name and version},
}))
"""


@dataclass(frozen=True, slots=True)
class Environment:
    """``packages`` are (name, version), sorted. ``observed`` says when it was looked at: training, signing, or as described."""

    python: str
    implementation: str
    platform: str
    machine: str
    packages: tuple[tuple[str, str], ...]
    observed: str

    def to_json(self) -> dict[str, Any]:
        """The environment in JSON's types."""
        return {
            "observed": self.observed,
            "python": self.python,
            "implementation": self.implementation,
            "platform": self.platform,
            "machine": self.machine,
            "packages": dict(self.packages),
        }


def environment_of(python: str | os.PathLike[str] | None = None) -> Environment:
    """The environment of the interpreter ``python``; without it, of the one that signs, which is then said.

    Raises ``InvalidOptionError`` for an interpreter that does not answer.
    """
    interpreter = os.fspath(python) if python is not None else sys.executable
    try:
        finished = subprocess.run(  # noqa: S603 - the interpreter that the caller names, and code of our own
            [interpreter, "-I", "-c", _PROBE], check=False, capture_output=True, timeout=_SECONDS, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InvalidOptionError(f"{interpreter} does not answer as a Python interpreter: {error}") from error
    try:
        if finished.returncode != 0 or len(finished.stdout) > _ANSWER_AT_MOST:
            raise ValueError(f"it ended with {finished.returncode} after {len(finished.stdout)} bytes")
        answer = json.loads(finished.stdout)
        packages = sorted((_short(name), _short(version)) for name, version in answer["packages"].items())
        version, implementation, system, machine = (
            _short(answer[name]) for name in ("python", "implementation", "platform", "machine")
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidOptionError(f"{interpreter} does not answer as a Python interpreter: {error}") from error
    observed = "signing" if python is None else "training interpreter"
    return Environment(version, implementation, system, machine, tuple(packages[:_PACKAGES_AT_MOST]), observed)


def _short(text: Any) -> str:
    return str(text)[:_TEXT_AT_MOST]
