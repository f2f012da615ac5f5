"""What README shows is what the commands print, but for durations, sizes, digests, versions and differences."""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.cli.golden_folders import bridge
from tests.runtime.guards.digits_guards import digits

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


def test_the_way_from_a_file_to_a_service_can_be_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (session,) = [block for block in blocks("sh") if "bridge keys new" in block]
    steps = [shlex.split(line, comments=True)[1:] for line in session.splitlines()]
    assert [step[0] for step in steps] == ["keys", "sign", "convert", "provenance", "attack", "run", "guards", "serve"]
    (tmp_path / "golden").symlink_to(ROOT / "golden")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRIDGE_KEY_PASSWORD", "a password of the test")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    shutil.copy(ROOT / "golden" / "digits_lenet" / "model.dnn", "digits.dnn")
    with np.load(ROOT / "golden" / "digits_lenet" / "tensors.npz") as case:
        images, answers = case["input/0"][:10], case["output/0"][:10]
    np.savez("image.npz", image=images)
    np.savez("samples.npz", x=digits())
    for step in [step for step in steps if step[0] not in {"attack", "serve"}]:  # They have tests of their own.
        finished = bridge(*step)
        assert finished.exit_code == 0, finished.output
    with np.load("answer.npz") as answer:
        np.testing.assert_allclose(answer["z"], answers, rtol=1e-3, atol=1e-5)
