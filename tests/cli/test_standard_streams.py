"""A command whose output cannot be written says so in one line, and one whose reader goes away says nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.golden_folders import LENET

ROOT = Path(__file__).parents[2]
MODEL = str(LENET / "model.dnn")
PROGRAM = "from bridge.cli import main; main()"
FULL = "bridge: cannot write to standard output: No space left on device\n"

COMMANDS = {
    "version": ["--version"],
    "table": ["inspect", MODEL],
    "json": ["inspect", MODEL, "--json"],
    "facts": ["keys", "new", "--output-path", "key", "--no-password"],
    "conversion": ["convert", MODEL, "--allow-unsigned", "-o", "out.onnx", "--json"],
    "refusal": ["convert", MODEL, "-o", "out.onnx", "--json"],
}


def run(arguments: list[str], folder: Path, redirected: str) -> subprocess.CompletedProcess[str]:
    """The command in a shell of its own, with ``redirected`` behind it; its standard error is what is captured."""
    line = f'"$@" {redirected}'
    command = ["bash", "-o", "pipefail", "-c", line, "bash", sys.executable, "-c", PROGRAM, *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment, timeout=120)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("name", COMMANDS)
def test_an_output_that_is_full_is_one_message_and_exit_code_2(name: str, tmp_path: Path) -> None:
    finished = run(COMMANDS[name], tmp_path, "> /dev/full")
    said = [line for line in finished.stderr.splitlines(keepends=True) if not line.startswith("bridge: warning:")]
    assert finished.returncode == 2
    assert said[-1] == FULL
    assert "Traceback" not in finished.stderr
    # A refusal may be told before its JSON meets the full disk.
    assert len(said) == 1 or (name, len(said)) == ("refusal", 2)


def test_unbuffered_output_is_no_other_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    finished = run(COMMANDS["json"], tmp_path, "> /dev/full")
    assert (finished.returncode, finished.stderr) == (2, FULL)


@pytest.mark.parametrize("name", ["table", "json"])
def test_a_reader_that_goes_away_is_not_told(name: str, tmp_path: Path) -> None:
    # Nobody reads from the beginning: what head would leave unread depends on how fast it is.
    finished = run(COMMANDS[name], tmp_path, "| (exec 0<&-; sleep 0.1)")
    assert (finished.returncode, finished.stderr) == (141, "")


def test_the_first_line_is_read_without_complaint(tmp_path: Path) -> None:
    finished = run(COMMANDS["json"], tmp_path, "| head -n 1")
    assert finished.stdout == "{\n"
    assert finished.stderr == ""
    assert finished.returncode in {0, 141}


def test_a_closed_output_is_refused_before_a_file_takes_its_place(tmp_path: Path) -> None:
    finished = run(COMMANDS["conversion"], tmp_path, ">&-")
    assert (finished.returncode, finished.stderr) == (2, "bridge: standard output is closed; open it, or send it to /dev/null\n")
    assert not (tmp_path / "out.onnx").exists()


@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full", "<&-"])
def test_other_streams_change_no_exit_code(redirected: str, tmp_path: Path) -> None:
    assert run(COMMANDS["refusal"], tmp_path, f"{redirected} > said").returncode == 3
    assert "PolicyError" in (tmp_path / "said").read_text()


def test_streams_keep_their_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1:backslashreplace")
    within = "from bridge.cli.standard_streams import standard_streams\nwith standard_streams(): print('\xe4\u20ac')"
    done = subprocess.run([sys.executable, "-c", within], capture_output=True, check=True, cwd=ROOT)
    assert done.stdout == b"\xe4\\u20ac\n"
