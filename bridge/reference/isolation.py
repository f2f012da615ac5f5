"""How the engine's process is kept apart: bubblewrap where it works, and what the process can give up by itself everywhere.

With bubblewrap the process has namespaces of its own (network, processes, users, IPC), sees the system's libraries, the
interpreter and the environment read-only, nothing of the user's files, and writes to one folder. Without it, the process takes
itself a network namespace and forbids itself to write elsewhere with Landlock, as far as the kernel lets it
(``cntk_side/confinement.py``); it can then still read what the user can read. Either way it starts without the
caller's environment variables, and reports what it reached.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")
_TRIAL_SECONDS = 10


def sandboxed(command: Sequence[str], *, readable: Iterable[Path], request: Path, result: Path) -> tuple[list[str], bool]:
    """``command`` as it is to be started, and whether that is inside bubblewrap.

    ``request`` is read-only for it, ``result`` is where it may write; both keep their paths.
    """
    program = shutil.which("bwrap")
    if program is None or not _works(program):
        return list(command), False
    options = [*_system_options(program), "--tmpfs", "/tmp"]  # noqa: S108  # The sandbox's own, empty.
    for folder in _outermost(readable):
        options += ["--ro-bind", str(folder), str(folder)]
    options += ["--ro-bind", str(request), str(request), "--bind", str(result), str(result), "--chdir", str(result)]
    return [*options, "--", *command], True


def environment_variables(library_folders: Iterable[Path]) -> dict[str, str]:
    """All variables that the process gets: where libraries are, and one thread, so that sums are added in the same order."""
    return {
        "LD_LIBRARY_PATH": ":".join(str(folder) for folder in library_folders),
        "PATH": "/usr/bin:/bin",
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_CBWR": "COMPATIBLE",  # One instruction set, for the same reason.
    }


def _system_options(program: str) -> list[str]:
    options = [program, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    for folder in _SYSTEM:
        path = Path(folder)
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), folder]
        elif path.is_dir():
            options += ["--ro-bind", folder, folder]
    for name in _SYSTEM_FILES:
        options += ["--ro-bind-try", name, name]
    return [*options, "--proc", "/proc", "--dev", "/dev"]


@cache
def _works(program: str) -> bool:
    """Whether bubblewrap may make namespaces here; in many containers it may not."""
    try:
        ran = subprocess.run(  # noqa: S603  # Nothing of it comes from outside.
            [*_system_options(program), "--", "/usr/bin/env", "true"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_TRIAL_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ran.returncode == 0


def _outermost(folders: Iterable[Path]) -> list[Path]:
    """Without those that lie in others, or in what the sandbox has anyway."""
    kept: list[Path] = []
    for folder in sorted(set(folders), key=lambda path: len(path.parts)):
        if not any(folder.is_relative_to(outer) for outer in [*kept, *map(Path, _SYSTEM)]) and folder.exists():
            kept.append(folder)
    return kept
