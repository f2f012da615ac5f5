"""A Python 3.6 is found where people have one, and its absence explained."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bridge.errors import ReferenceMissingError
from bridge.reference.interpreter import find_interpreter

ANSWER = {
    "version": "3.6.15",
    "implementation": "CPython",
    "machine": "x86_64",
    "prefix": "/opt/three-six",
    "base_prefix": "/opt/three-six",
    "executable": "/opt/three-six/bin/python3.6",
    "library": "/opt/three-six/lib/libpython3.6m.so.1.0",
    "wide": True,
}


def _program(path: Path, **changes: object) -> Path:
    """An executable that answers as an interpreter does, without being one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(ANSWER | changes)}\nEND\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No pyenv, uv or conda but those that a test makes."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in (
        "PYENV_ROOT",
        "UV_PYTHON_INSTALL_DIR",
        "XDG_DATA_HOME",
        "CONDA_PREFIX",
        "MAMBA_ROOT_PREFIX",
        "BRIDGE_REFERENCE_PYTHON",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "place",
    [
        "home/.pyenv/versions/3.6.15/bin/python3.6",
        "home/.local/share/uv/python/cpython-3.6.15-linux-x86_64-gnu/bin/python3.6",
        "home/miniconda3/envs/cntk/bin/python3.6",
        "home/miniforge3/bin/python3.6",
        "bin/python3.6",
    ],
)
def test_it_is_found_where_its_manager_puts_it(tmp_path: Path, place: str) -> None:
    path = _program(tmp_path / place)
    found = find_interpreter()
    assert found.path == path
    assert found.version == "3.6.15"
    assert Path("/opt/three-six") in found.prefixes


def test_the_newest_of_several_is_taken(tmp_path: Path) -> None:
    for version in ("3.6.8", "3.6.9"):
        _program(tmp_path / f"home/.pyenv/versions/{version}/bin/python3.6", version=version)
    assert find_interpreter().version == "3.6.9"


def test_a_candidate_is_asked_and_not_believed_by_its_name(tmp_path: Path) -> None:
    _program(tmp_path / "home/.pyenv/versions/3.6.15/bin/python3.6", version="3.7.2")
    good = _program(tmp_path / "bin/python3.6")
    assert find_interpreter().path == good


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": "3.11.7"}, r"expected CPython 3\.6, found CPython 3\.11\.7"),
        ({"implementation": "PyPy"}, r"found PyPy 3\.6\.15"),
        ({"machine": "aarch64"}, "found aarch64"),
        ({"library": ""}, "without its shared library"),
    ],
)
def test_an_unsuitable_one_is_refused_with_the_ways_out(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    path = _program(tmp_path / "python", **changes)
    with pytest.raises(ReferenceMissingError, match=reason) as caught:
        find_interpreter(path)
    assert "--enable-shared pyenv install 3.6.15" in str(caught.value)


def test_this_very_python_is_refused_by_its_version() -> None:
    with pytest.raises(ReferenceMissingError, match=r"expected CPython 3\.6"):
        find_interpreter(sys.executable)


def test_what_is_no_python_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "python3.6"
    path.write_text("#!/bin/sh\necho hello\n")
    path.chmod(0o755)
    with pytest.raises(ReferenceMissingError, match="does not answer as a Python does"):
        find_interpreter(path)


def test_absence_names_everything_that_was_looked_at(tmp_path: Path) -> None:
    path = _program(tmp_path / "bin/python3.6", version="3.8.1")
    with pytest.raises(ReferenceMissingError) as caught:
        find_interpreter()
    assert f"{path}: expected CPython 3.6, found CPython 3.8.1" in str(caught.value)


def test_the_variable_names_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _program(tmp_path / "elsewhere/python")
    monkeypatch.setenv("BRIDGE_REFERENCE_PYTHON", str(path))
    assert find_interpreter().path == path
