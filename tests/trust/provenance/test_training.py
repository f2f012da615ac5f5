import hashlib
import sys
from pathlib import Path

import pytest

from bridge.errors import InvalidOptionError
from bridge.trust.provenance.environment import environment_of
from bridge.trust.provenance.step import step_of
from bridge.trust.provenance.training import collect, training_statement
from tests.trust.provenance.histories import MODEL


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text("train()\n")
    return path


def test_statement_holds_what_was_collected_and_what_was_said(script: Path, tmp_path: Path) -> None:
    description = tmp_path / "d.yaml"
    description.write_text("model: {name: digits}\ntraining: {finished: 2019-03-02, parameters: {epochs: 40}}\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("1")
    facts = collect(description=description, script=script, configuration=description, datasets=[tmp_path / "data"])
    statement = training_statement("model.dnn", MODEL, facts)
    step = step_of(statement)
    assert step is not None
    assert step.is_training
    assert statement.subject[0].digest == {"sha256": MODEL}
    assert step.parameters == {"script": "train.py", "configuration": "d.yaml", "parameters": {"epochs": 40}}
    assert [resource.role for resource in step.dependencies] == ["script", "configuration", "dataset"]
    assert step.dependencies[0].sha256 == hashlib.sha256(b"train()\n").hexdigest()
    assert step.finished == "2019-03-02T00:00:00Z"
    assert statement.predicate["runDetails"]["cntkbridge_model"] == {"model": {"name": "digits"}}


def test_personal_facts_can_be_left_out(script: Path) -> None:
    named = collect(script=script).authorship
    left_out = collect(script=script, personal=False).authorship
    assert named.host
    assert set(left_out.to_json()) == {"at"}


def test_environment_of_the_signing_program_is_called_that() -> None:
    found = environment_of()
    assert found.observed == "signing"
    assert found.python == ".".join(map(str, sys.version_info[:3]))
    assert "numpy" in dict(found.packages)


def test_interpreter_of_the_training_is_asked() -> None:
    found = environment_of(sys.executable)
    assert found.observed == "training interpreter"
    assert found.packages == environment_of().packages


@pytest.mark.parametrize("answer", ["exit 1", "echo '{}'", "echo '[]'", "echo nonsense", "true"])
def test_program_that_is_no_interpreter_is_refused(answer: str, tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{answer}\n")
    program.chmod(0o755)
    with pytest.raises(InvalidOptionError, match="does not answer as a Python interpreter"):
        environment_of(program)


def test_interpreter_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="does not answer"):
        environment_of(tmp_path / "none")


def test_script_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="Is a directory"):
        collect(script=tmp_path)
    with pytest.raises(InvalidOptionError, match="No such file"):
        collect(script=tmp_path / "none.py")
