"""What README shows is what the commands print, but for durations, sizes, digests, versions and differences."""

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.golden_folders import bridge

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
VARYING = re.compile(r"\d+\.\d\d s|\d+\.\d kB|[0-9a-f]{64}|\d\.\d+e[-+]\d\d|onnxruntime \S+")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def settled(text: str) -> str:
    """The text without what differs from run to run or from machine to machine."""
    return "\n".join(line.rstrip() for line in VARYING.sub("~", text).strip().splitlines())


@pytest.fixture
def beside_golden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder in which README's paths lead to the repository's golden cases."""
    (tmp_path / "golden").symlink_to(ROOT / "golden")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_commands_print_what_readme_shows(beside_golden: Path) -> None:
    (session,) = blocks("console")
    steps = re.findall(r"^\$ bridge (.*)\n((?:(?!\$ ).*\n)*)", session, flags=re.MULTILINE)
    assert [arguments.split()[0] for arguments, _ in steps] == ["inspect", "convert", "check"]
    for arguments, shown in steps:
        finished = bridge(*shlex.split(arguments))
        assert finished.exit_code == 0, finished.output
        assert settled(finished.stdout) == settled(shown), arguments
    assert (beside_golden / "lenet.onnx").is_file()


def test_python_example_runs(beside_golden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks("python")
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102 - the example is what is tested
    assert "image float32 ('N', 1, 8, 8)" in capsys.readouterr().out
    assert (beside_golden / "lenet.onnx").is_file()


def test_every_file_that_readme_links_to_exists() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
