"""What the generated source looks like: short, formatted, typed, and on its own."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from tests.targets.pytorch.converted import NETWORKS, converted


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The source of every network, in one folder, by the network's name."""
    made, together = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("sources")
    found = {}
    for folder in NETWORKS:
        converted(folder.name, made / folder.name)
        found[folder.name] = Path(shutil.copy(made / folder.name / "model.py", together / f"{folder.name}.py"))
    return found


def test_resnet_is_under_150_lines_and_made_of_residual_blocks(sources: dict[str, Path]) -> None:
    text = sources["resnet20"].read_text()
    assert len(text.splitlines()) < 150
    assert text.count("class ResidualBlock(nn.Module):") == 1
    assert text.count("ResidualBlock(16)") == 3
    assert text.count("ProjectionBlock(32, 64)") == 1


EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


@pytest.mark.parametrize("name", ["resnet20", "lstm_tagger", "digits_lenet"])
def test_examples_in_the_documents_are_what_is_written_today(sources: dict[str, Path], name: str) -> None:
    assert (EXAMPLES / f"{name}.py").read_text() == sources[name].read_text(), f"copy the model.py of golden/{name} there"


def test_source_imports_the_standard_library_and_torch_alone(sources: dict[str, Path]) -> None:
    for path in sources.values():
        imported = {
            (alias.name if isinstance(node, ast.Import) else str(node.module)).split(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for alias in node.names
        }
        assert imported <= {"math", "collections", "typing", "torch"}, path.name


def test_source_is_as_ruff_formats_it(sources: dict[str, Path]) -> None:
    folder = next(iter(sources.values())).parent
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--check", "--diff", str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_source_has_nothing_for_ruff_to_say(sources: dict[str, Path]) -> None:
    folder = next(iter(sources.values())).parent
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E,F,I,UP,B,W,SIM", str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.slow
def test_source_is_typed_as_mypy_strict_wants_it(sources: dict[str, Path]) -> None:
    folder = next(iter(sources.values())).parent
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--cache-dir", str(folder / "cache"), str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_modules_and_parameters_have_the_names_of_cntk(sources: dict[str, Path]) -> None:
    assert "self.z = nn.Linear(64, 10)" in sources["resnet20"].read_text()
    text = sources["transformer_over_static_axis"].read_text()
    assert "self.positions = nn.Parameter(torch.empty(6, 16))" in text
    assert "self.block0 = Block(" in text


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = converted("resnet20", tmp_path / "a"), converted("resnet20", tmp_path / "b")
    for name in ("model.py", "model.safetensors", "interface.json", "README.md"):
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes(), name


def test_usage_example_of_the_readme_runs(tmp_path: Path) -> None:
    made = converted("lstm_tagger", tmp_path / "tagger")
    example = (made.folder / "README.md").read_text().split("```python\n")[1].split("```")[0]
    code = f"{example}\nprint(sorted(outputs), outputs['tags'].shape[:2])"
    ran = subprocess.run([sys.executable, "-c", code], cwd=made.folder, capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == "['tags'] torch.Size([2, 5])", ran.stderr
