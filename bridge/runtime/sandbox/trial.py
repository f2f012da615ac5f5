"""How far this machine confines a worker, found out by confining a process that does nothing else.

What a kernel offers is not what a process gets: containers and service managers forbid parts of it. So the steps are taken, in
the order in which the fork server and its workers take them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from bridge.runtime.sandbox.applying import confine_server, confine_worker
from bridge.runtime.sandbox.report import SandboxLevel, SandboxReport
from bridge.runtime.sandbox.resource_limits import ResourceLimits

_SECONDS: Final = 60.0
_CALL: Final = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from bridge.runtime.sandbox.trial import main; main()"


def sandbox_of_this_machine() -> SandboxReport:
    """What a worker that this process started now would reach. Takes as long as Python takes to start."""
    command = [sys.executable, "-I", "-c", _CALL, json.dumps([path or str(Path.cwd()) for path in sys.path])]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=_SECONDS)  # noqa: S603  # Our own.
        said = json.loads(done.stdout)
        return SandboxReport(SandboxLevel(said["level"]), said["landlock_abi"], said["details"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        return SandboxReport(SandboxLevel.NONE, 0, {"trial": f"failed: {error}"})


def main() -> None:
    """Confine this process, and print how far that went."""
    report = confine_worker(confine_server(), ResourceLimits())
    said = {"level": report.level, "landlock_abi": report.landlock_abi, "details": dict(report.details)}
    os.write(1, json.dumps(said).encode())
    os._exit(0)  # An orderly end opens files, which nothing here can do any more.
