"""``bridge run``: files in, files out, and an exit code that tells whose fault it is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from bridge.cli.app import app
from tests.runtime.admission.honest import WEIGHTS
from tests.runtime.packages import package_signed_by, unsigned_package
from tests.trust.signed_models import new_key, policy_trusting

X = np.ones((2, 4), np.float32)


def run(*arguments: str | os.PathLike[str]) -> Result:
    return CliRunner().invoke(app, ["run", *(os.fspath(argument) for argument in arguments)])


@pytest.fixture
def package(tmp_path: Path) -> Path:
    np.savez(tmp_path / "x.npz", x=X)
    np.save(tmp_path / "x.npy", X)
    return unsigned_package(tmp_path / "package")


@pytest.mark.parametrize("given", ["x.npz", "x=x.npy"])
def test_outputs_are_written(package: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.chdir(package.parent)
    result = run(package, "--input", given, "-o", "out.npz", "--allow-unsigned", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["outputs"] == {"y": {"dtype": "float32", "shape": [2, 3]}}
    assert document["model"]["signer"] == ""
    with np.load("out.npz") as written:
        assert np.array_equal(written["y"], X @ WEIGHTS)


def test_unsigned_package_is_refused(package: Path) -> None:
    result = run(package, "--input", package.parent / "x.npz", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["rule"] == "signers"


def test_signed_package_runs_under_a_policy(tmp_path: Path) -> None:
    signer = new_key()
    policy_trusting(tmp_path, signer)
    np.savez(tmp_path / "x.npz", x=X)
    package = package_signed_by(signer, tmp_path / "package")
    result = run(package, "-i", tmp_path / "x.npz", "--policy", tmp_path / "policy.yaml", "--timeout", "5")
    assert result.exit_code == 0, result.output
    assert "signed by" in result.stdout
    assert "y: float32 [2, 3]" in result.stdout


def test_input_that_departs_from_the_interface_is_refused(package: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "wrong.npz", x=X[:, :3])
    result = run(package, "-i", tmp_path / "wrong.npz", "--allow-unsigned", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["error"] == "InvalidInputError"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00"])
def test_damaged_file_is_bad_usage(package: Path, tmp_path: Path, content: bytes) -> None:
    for name, given in (("bad.npz", "bad.npz"), ("bad.npy", "x=bad.npy")):
        (tmp_path / name).write_bytes(content)
        place = given.replace("bad", str(tmp_path / "bad"))
        result = run(package, "-i", place, "--allow-unsigned", "--json")
        assert result.exit_code == 2, result.output
        assert json.loads(result.stdout)["error"] == "InvalidInputsError"


def test_pickled_array_is_never_opened(package: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "bad.npy", np.array([{}], object))
    result = run(package, "-i", f"x={tmp_path / 'bad.npy'}", "--allow-unsigned")
    assert result.exit_code == 2
    assert "not a readable .npy file" in result.output


def test_input_twice_is_bad_usage(package: Path, tmp_path: Path) -> None:
    result = run(package, "-i", tmp_path / "x.npz", "-i", f"x={tmp_path / 'x.npy'}", "--allow-unsigned")
    assert result.exit_code == 2
    assert "given twice" in result.output
