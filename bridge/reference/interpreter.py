"""A Python 3.6, the only one that CNTK 2.7 was built for: looked for where people have one, and asked what it is.

A path says nothing: every candidate is run, with an empty environment and a time limit, and states its version, its machine and
where its shared library is, which CNTK's binding links against.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import ReferenceMissingError
from bridge.reference.lock import Lock, load_lock

PYTHON_VARIABLE = "BRIDGE_REFERENCE_PYTHON"
_PROBE_SECONDS = 30
_PROBE = """
import json, os, platform, sys, sysconfig
library = sysconfig.get_config_var("INSTSONAME") or ""
library = library if ".so" in library else "libpython%d.%dm.so.1.0" % sys.version_info[:2]
folders = [sysconfig.get_config_var("LIBDIR") or "", os.path.join(sys.base_prefix, "lib")]
found = [os.path.join(f, library) for f in folders if f and os.path.isfile(os.path.join(f, library))]
print(json.dumps({
    "version": platform.python_version(), "implementation": platform.python_implementation(), "machine": platform.machine(),
    "prefix": sys.prefix, "base_prefix": sys.base_prefix, "executable": os.path.realpath(sys.executable),
    "library": found[0] if found else "", "wide": sys.maxsize > 2 ** 32,
}))
"""

_ANSWERS = ("version", "implementation", "machine", "prefix", "base_prefix", "executable", "library", "wide")

_WAYS_OUT = (
    "ways to get one: `PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install 3.6.15`; `conda create -n cntk python=3.6`; "
    "the container image that deploy/reference/Containerfile builds; or name the interpreter you have with --python or "
    f"{PYTHON_VARIABLE}"
)


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that answered.

    ``executable`` is what ``path`` leads to, ``library`` its libpython, ``prefixes`` the folders that it needs in order to run.
    """

    path: Path
    version: str
    executable: Path
    library: Path
    prefixes: tuple[Path, ...]


class _UnsuitableError(Exception):
    """Why a candidate is not taken."""


def find_interpreter(explicit: str | os.PathLike[str] | None = None, lock: Lock | None = None) -> Interpreter:
    """The Python named ``explicit``ly or by the environment, or else the first suitable one of pyenv, uv, conda and the system.

    Raises ``ReferenceMissingError`` with every candidate's reason, and the ways to get one.
    """
    lock = lock or load_lock()
    named = explicit or os.environ.get(PYTHON_VARIABLE)
    if named:
        try:
            return _ask(Path(named), lock)
        except _UnsuitableError as error:
            raise ReferenceMissingError(f"{named}: {error}; {_WAYS_OUT}") from error
    reasons = []
    for candidate in dict.fromkeys(_candidates(lock.python)):
        try:
            return _ask(candidate, lock)
        except _UnsuitableError as error:
            reasons.append(f"  {candidate}: {error}")
    looked = "\n".join(reasons) or "  pyenv, uv, conda and the search path have none"
    raise ReferenceMissingError(f"no Python {lock.python} that CNTK could run in:\n{looked}\n{_WAYS_OUT}")


def ask_interpreter(path: Path) -> Interpreter:
    """An interpreter as it describes itself, suitable or not; ``ReferenceMissingError`` where it does not answer."""
    try:
        return _interpreter(path, _probe(path))
    except _UnsuitableError as error:
        raise ReferenceMissingError(f"{path}: {error}") from error


def _candidates(version: str) -> Iterator[Path]:
    home = Path.home()
    name = f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv")
    yield from _newest_first(pyenv / "versions", f"{version}*/bin/{name}")
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    yield from _newest_first(
        Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv/python"), f"cpython-{version}*/bin/{name}"
    )
    condas = [os.environ.get("CONDA_PREFIX"), os.environ.get("MAMBA_ROOT_PREFIX")]
    roots = [Path(root) for root in condas if root]
    roots += [home / folder for folder in ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba")]
    for root in [*roots, Path("/opt/conda")]:
        if (root / "bin" / name).is_file():
            yield root / "bin" / name
        yield from _newest_first(root / "envs", f"*/bin/{name}")
    found = shutil.which(name)
    if found:
        yield Path(found)
    for folder in ("/usr/local/bin", "/usr/bin", f"/opt/{name}/bin"):
        if (Path(folder) / name).is_file():
            yield Path(folder) / name


def _newest_first(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern), reverse=True)
    except OSError:
        return []


def _ask(path: Path, lock: Lock) -> Interpreter:
    said = _probe(path)
    if not said["version"].startswith(f"{lock.python}.") or said["implementation"] != "CPython":
        raise _UnsuitableError(f"expected CPython {lock.python}, found {said['implementation']} {said['version']}")
    if said["machine"] != lock.machine or said["wide"] != "True":
        raise _UnsuitableError(
            f"expected a 64-bit {lock.machine} machine, for which alone CNTK was built, found {said['machine']}"
        )
    if not said["library"]:
        raise _UnsuitableError(f"was built without its shared library libpython{lock.python}m.so.1.0, which CNTK links against")
    return _interpreter(path, said)


def _interpreter(path: Path, said: dict[str, str]) -> Interpreter:
    executable = Path(said["executable"])
    folders = [Path(said["prefix"]), Path(said["base_prefix"]), executable.parent]
    if said["library"]:
        folders.append(Path(said["library"]).parent)
    start = _absolute(path)
    if (start.parent.parent / "pyvenv.cfg").is_file():
        folders.append(start.parent.parent)
    return Interpreter(start, said["version"], executable, Path(said["library"]), tuple(dict.fromkeys(folders)))


def _absolute(path: Path) -> Path:
    """An absolute path whose links stay: a virtual environment's Python knows by its own link which one it is."""
    return Path(os.path.abspath(path))  # noqa: PTH100  # Path.resolve would follow the links.


def _probe(path: Path) -> dict[str, str]:
    command = [str(_absolute(path)), "-I", "-S", "-c", _PROBE]
    try:
        ran = subprocess.run(  # noqa: S603  # The interpreter is the caller's, or stands where interpreters are installed.
            command, env={}, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_PROBE_SECONDS, cwd="/"
        )
    except subprocess.TimeoutExpired as error:
        raise _UnsuitableError(f"did not say its version within {_PROBE_SECONDS} s") from error
    except (OSError, ValueError) as error:
        raise _UnsuitableError(f"cannot be run: {error}") from error
    try:
        said = json.loads(ran.stdout[:65536])
        return {key: str(said[key]) for key in _ANSWERS}
    except (ValueError, KeyError, TypeError) as error:
        last = ran.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["nothing"]
        raise _UnsuitableError(f"does not answer as a Python does (exit {ran.returncode}): {last[0][:200]}") from error
