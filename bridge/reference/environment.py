"""Where an engine lives: the pinned environment of ``bridge reference install``, or an interpreter that has CNTK already."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import ReferenceMissingError
from bridge.reference.description import read_description
from bridge.reference.interpreter import Interpreter, ask_interpreter

EXTERNAL_PYTHON = "BRIDGE_CNTK_PYTHON"
EXTERNAL_LIBRARIES = "BRIDGE_CNTK_LIBRARY_PATH"

MODULES = "site-packages"
LIBRARIES = "libraries"
DESCRIPTION = "installation.json"


@dataclass(frozen=True, slots=True)
class Environment:
    """What the engine's process is started with.

    ``pinned`` says that every module comes from wheels of the lock; ``root`` is then the folder of the installation.
    """

    interpreter: Interpreter
    module_folders: tuple[Path, ...]
    library_folders: tuple[Path, ...]
    pinned: bool
    root: Path | None = None

    @property
    def start(self) -> tuple[str, ...]:
        """The interpreter and its options: no variables, no user modules; in a pinned one, no site-packages of its own."""
        options = ("-I", "-S", "-B") if self.pinned else ("-I", "-B")
        return (str(self.interpreter.path), *options)

    def folders(self) -> tuple[Path, ...]:
        """Everything that has to be readable for the engine to run, beside the system's own folders."""
        return tuple(dict.fromkeys((*self.interpreter.prefixes, *self.module_folders, *self.library_folders)))


def default_root() -> Path:
    """The folder of the installation: ``cntk-bridge/reference`` in the user's data directory."""
    data = os.environ.get("XDG_DATA_HOME", "")
    return (Path(data) if data.startswith("/") else Path.home() / ".local/share") / "cntk-bridge" / "reference"


def installed_environment(root: Path) -> Environment | None:
    """The environment that was installed in ``root``; None where there is none. Its files are not checked here.

    Raises ``ReferenceChangedError`` for a damaged description, ``ReferenceMissingError`` where its Python is gone.
    """
    path = root / DESCRIPTION
    if not path.is_file():
        return None
    interpreter = ask_interpreter(read_description(path).python)
    modules = (root / MODULES).absolute()
    # CNTK's binding names a folder of its builders' machine before its own; what stands here is looked through before that.
    libraries = ((root / LIBRARIES).absolute(), modules / "cntk" / "libs", interpreter.library.parent)
    return Environment(interpreter, module_folders=(modules,), library_folders=libraries, pinned=True, root=root.absolute())


def external_environment(python: str | os.PathLike[str], library_path: str = "") -> Environment:
    """An interpreter in which CNTK is installed already. Nothing of it is checked, which results say.

    ``library_path`` has the folders of ``libmpi.so.12`` and ``libmpi_cxx.so.1``, separated by colons.
    """
    interpreter = ask_interpreter(Path(python))
    folders = tuple(Path(folder) for folder in library_path.split(":") if folder)
    return Environment(interpreter, module_folders=(), library_folders=folders, pinned=False)


def external_from_variables() -> Environment | None:
    """The engine that ``BRIDGE_CNTK_PYTHON`` and ``BRIDGE_CNTK_LIBRARY_PATH`` name; None where they name none."""
    python = os.environ.get(EXTERNAL_PYTHON)
    return external_environment(python, os.environ.get(EXTERNAL_LIBRARIES, "")) if python else None


def not_installed(root: Path) -> ReferenceMissingError:
    """The error for an engine that is not there."""
    return ReferenceMissingError(
        f"the reference engine (CNTK 2.7) is not installed in {root}; `bridge reference install` does that, or "
        f"{EXTERNAL_PYTHON} and {EXTERNAL_LIBRARIES} name a Python 3.6 that has it, whose files are then not checked"
    )
