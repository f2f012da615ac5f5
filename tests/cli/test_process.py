"""The command as a process of its own: what a shell or a pipeline sees."""

import os
import subprocess
import sys
from pathlib import Path

from bridge.version import __version__
from tests.cli.golden_folders import LENET

ROOT = Path(__file__).parents[2]


def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    program = "from bridge.cli import main; main()"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program, *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment, timeout=120)


def test_version_is_shown(tmp_path: Path) -> None:
    finished = run("--version", cwd=tmp_path)
    assert (finished.returncode, finished.stdout) == (0, f"cntk-bridge {__version__}\n")


def test_help_lists_the_commands_and_exit_codes(tmp_path: Path) -> None:
    finished = run("--help", cwd=tmp_path)
    assert finished.returncode == 0
    for fact in ("inspect", "convert", "check", "Exit codes: 0 done, 1 a check failed, 2 bad usage, 3 refused."):
        assert fact in finished.stdout


def test_conversion_leaves_standard_error_to_warnings_when_it_is_no_terminal(tmp_path: Path) -> None:
    finished = run("convert", LENET / "model.dnn", "-o", "out.onnx", "--allow-unsigned", cwd=tmp_path)
    warning = "bridge: warning: --allow-unsigned: 1 model(s) converted without proof of where they come from\n"
    assert (finished.returncode, finished.stderr) == (0, warning)
    assert (tmp_path / "out.onnx").is_file()


def test_refusal_is_one_message_and_exit_code_3(tmp_path: Path) -> None:
    (tmp_path / "noise.dnn").write_bytes(b"noise")
    finished = run("convert", "noise.dnn", "--allow-unsigned", cwd=tmp_path)
    assert finished.returncode == 3
    assert finished.stderr.startswith("bridge: noise.dnn: the file is not a CNTK model")
    assert finished.stderr.count("\n") == 1


def test_unknown_option_is_bad_usage(tmp_path: Path) -> None:
    assert run("convert", "--nonsense", cwd=tmp_path).returncode == 2
