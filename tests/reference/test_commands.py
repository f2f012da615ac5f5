"""``bridge reference`` and ``bridge golden`` on the command line: exit codes, and what they print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli.app import app
from tests.reference.wheel_making import make_installation

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("BRIDGE_CNTK_PYTHON", raising=False)


def test_status_without_an_engine_is_refused_with_the_way_to_one(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["reference", "status"])
    assert result.exit_code == 3
    assert "`bridge reference install` does that" in result.stderr
    assert str(tmp_path / "data/cntk-bridge/reference") in result.stderr


def test_status_of_another_environment_names_what_is_off(tmp_path: Path) -> None:
    make_installation(tmp_path / "installation")
    result = CliRunner().invoke(app, ["reference", "status", "--in", str(tmp_path / "installation"), "--json"])
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert not document["holds"]
    # Not one wheel of the real lock is there, and what is there belongs to none.
    assert "site-packages/cntk-2.7.dist-info/RECORD" in document["missing"]
    assert "site-packages/engine/__init__.py" in document["extra"]


def test_install_without_the_wheels_names_the_missing_one(tmp_path: Path) -> None:
    python = tmp_path / "python3.6"
    answer = {
        "version": "3.6.15",
        "implementation": "CPython",
        "machine": "x86_64",
        "prefix": "/usr",
        "base_prefix": "/usr",
        "executable": "/usr/bin/env",
        "library": "/usr/bin/env",
        "wide": True,
    }
    python.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
    python.chmod(0o755)
    (tmp_path / "wheels").mkdir()
    options = ["--wheels", str(tmp_path / "wheels"), "--python", str(python), "--into", str(tmp_path / "engine")]
    result = CliRunner().invoke(app, ["reference", "install", *options])
    assert result.exit_code == 3
    assert "libmpi" in result.stderr or "cntk-2.7-cp36-cp36m-manylinux1_x86_64.whl" in result.stderr
    assert not (tmp_path / "engine").exists()


def test_install_refuses_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    result = CliRunner().invoke(app, ["reference", "install", "--into", str(tmp_path)])
    assert result.exit_code == 2
    assert "it holds something else" in result.stderr


def test_record_without_an_engine_is_refused(tmp_path: Path) -> None:
    model = ROOT / "golden/lstm_tagger/model.dnn"
    result = CliRunner().invoke(app, ["golden", "record", str(model), "-o", str(tmp_path / "cases"), "--json"])
    assert result.exit_code == 3
    assert json.loads(result.stdout)["error"] == "ReferenceMissingError"
    assert not (tmp_path / "cases").exists()
