"""The examples for continuous integration, whose steps are run here as the services run them."""

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import yaml
from onnx import numpy_helper

import bridge
from verify.report.json_report import parse_json

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "docs" / "ci"
REPORTS = {"report.html", "report.json", "report.md", "report.sarif", "report.xml"}


def _example(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((EXAMPLES / name).read_text())
    return document


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository as the examples expect it: a converted model and the golden case of its source."""
    repository = tmp_path_factory.mktemp("sound")
    shutil.copytree(ROOT / "golden" / "digits_lenet", repository / "golden" / "digits")
    (repository / "models").mkdir()
    bridge.convert(ROOT / "golden" / "digits_lenet" / "model.dnn", repository / "models" / "digits.onnx")
    return repository


@pytest.fixture(scope="module")
def broken(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, and one weight of the model is another one."""
    repository = tmp_path_factory.mktemp("broken") / "repository"
    shutil.copytree(sound, repository)
    path = repository / "models" / "digits.onnx"
    model = onnx.load(path)
    initializer = max(model.graph.initializer, key=lambda tensor: int(np.prod(tensor.dims)))
    values = numpy_helper.to_array(initializer).copy()
    values.flat[0] += 5
    initializer.CopyFrom(numpy_helper.from_array(values, initializer.name))
    onnx.save(model, path)
    return repository


class Runner:
    """Runs steps in a repository, with this environment's programs and without a package index."""

    def __init__(self, repository: Path, variables: dict[str, str], summary: Path) -> None:
        shutil.rmtree(repository / "equivalence", ignore_errors=True)
        self.repository = repository
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        offline = {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
        self.environment = {**os.environ, **offline, "PATH": programs, "GITHUB_STEP_SUMMARY": str(summary), **variables}
        self.output = ""

    def run(self, shell: list[str], script: str) -> int:
        finished = subprocess.run(
            [*shell, script], cwd=self.repository, env=self.environment, capture_output=True, text=True, timeout=300, check=False
        )
        self.output += finished.stdout + finished.stderr
        return finished.returncode


def _holds(condition: str, repository: Path, *, failed: bool) -> bool:
    """A step's condition: the parts of GitHub's expressions that the example uses, and no others."""
    terms = [term.strip() for term in condition.split("&&")] if condition else []
    wanted = [match[1] for term in terms if (match := re.fullmatch(r"hashFiles\('([^']+)'\) != ''", term))]
    assert len(wanted) + terms.count("always()") == len(terms)
    return ("always()" in terms or not failed) and all((repository / path).is_file() for path in wanted)


def _run_github(repository: Path, summary: Path) -> tuple[int, list[str], str]:
    """The job's exit code, the steps that took place, and what was printed."""
    job = _example("github.yml")["jobs"]["equivalence"]
    runner = Runner(repository, job["env"], summary)
    code, taken = 0, []
    for step in job["steps"]:
        if not _holds(step.get("if", ""), repository, failed=code != 0):
            continue
        taken.append(step.get("name", step.get("uses", "").partition("@")[0]))
        if "run" in step:
            # GitHub's own way to call a shell: https://docs.github.com/actions (defaults.run.shell).
            code = runner.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"], step["run"]) or code
    return code, taken, runner.output


def _run_gitlab(repository: Path, summary: Path) -> tuple[int, str]:
    job = _example("gitlab.yml")["equivalence"]
    runner = Runner(repository, job["variables"], summary)
    code = runner.run(["sh", "-e", "-c"], "\n".join([*job["before_script"], *job["script"]]))
    assert runner.run(["sh", "-c"], "\n".join(job["after_script"])) == 0
    return code, runner.output


def test_github_passes_and_publishes_for_a_model_that_is_equivalent(sound: Path, tmp_path: Path) -> None:
    code, taken, output = _run_github(sound, tmp_path / "summary.md")
    assert code == 0, output
    assert taken == ["actions/checkout", "actions/setup-python", "Install", "Check", "Summary", "Alerts", "Reports"]
    assert (tmp_path / "summary.md").read_text().startswith("## ✅ Equivalent")
    assert {path.name for path in (sound / "equivalence").iterdir()} == REPORTS


def test_github_fails_and_still_publishes_for_a_broken_model(broken: Path, tmp_path: Path) -> None:
    code, taken, output = _run_github(broken, tmp_path / "summary.md")
    assert code == 1, output
    assert taken[-4:] == ["Check", "Summary", "Alerts", "Reports"]
    assert (tmp_path / "summary.md").read_text().startswith("## ❌ Different")
    assert not parse_json((broken / "equivalence" / "report.json").read_bytes()).holds
    (result, *_) = json.loads((broken / "equivalence" / "report.sarif").read_text())["runs"][0]["results"]
    # Where code scanning shows it: a file of the repository, by its path there.
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "golden/digits/case.json"


def test_gitlab_passes_for_a_model_that_is_equivalent(sound: Path, tmp_path: Path) -> None:
    code, output = _run_gitlab(sound, tmp_path / "summary.md")
    assert code == 0, output
    assert "## ✅ Equivalent" in output


def test_gitlab_fails_for_a_broken_model_and_its_junit_file_names_the_output(broken: Path, tmp_path: Path) -> None:
    code, output = _run_gitlab(broken, tmp_path / "summary.md")
    assert code == 1, output
    junit = broken / _example("gitlab.yml")["equivalence"]["artifacts"]["reports"]["junit"]
    failed = [test.attrib["name"] for test in ET.parse(junit).iter("testcase") if test.find("failure") is not None]  # noqa: S314
    assert "z" in failed


def test_a_check_that_cannot_start_fails_and_publishes_nothing(sound: Path, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    shutil.copytree(sound, repository)
    shutil.rmtree(repository / "golden")
    code, taken, _ = _run_github(repository, tmp_path / "summary.md")
    assert code == 2
    assert taken[-1] == "Check"


def test_actions_are_pinned_and_rights_are_few() -> None:
    workflow = (EXAMPLES / "github.yml").read_text()
    uses = re.findall(r"uses: (\S+)(.*)", workflow)
    assert len(uses) == 4
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) and re.fullmatch(r" # v[\d.]+", version) for action, version in uses)
    document = _example("github.yml")
    assert document["permissions"] == {"contents": "read"}
    assert document["jobs"]["equivalence"]["permissions"] == {"contents": "read", "security-events": "write"}


def test_published_paths_are_those_that_are_written() -> None:
    text = "".join((EXAMPLES / name).read_text() for name in ("github.yml", "gitlab.yml"))
    assert set(re.findall(r"equivalence/([\w.]+\w)", text)) == REPORTS - {"report.json"}
