from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from bridge.errors import InvalidOptionError
from bridge.trust.provenance.description import Description, description_in, read_description
from bridge.trust.provenance.schema import description_schema

FULL = """
model:
  name: digits
  version: "1.4"
  purpose: Reads postal codes.
  licence: Apache-2.0
training:
  started: 2019-03-01
  finished: 2019-03-02T11:30:00Z
  framework: CNTK 2.7
  approach: supervised
  parameters: {epochs: 40, rate: 0.01, shuffled: true, optimiser: sgd}
data:
  - {name: UCI digits, use: training, personal_data: false}
metrics:
  - {name: accuracy, value: 0.978, data: held out, lower: 0.969, upper: 0.985}
limitations:
  - Not for broad pens.
environment:
  python: 3.6.15
  packages: {cntk: "2.7"}
"""


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "description.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_published_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(description_schema())


def test_description_is_read_with_dates_as_they_are_written(tmp_path: Path) -> None:
    said = read_description(written(tmp_path, FULL))
    assert said.model["name"] == "digits"
    assert said.training["started"] == "2019-03-01"
    assert said.training["finished"] == "2019-03-02T11:30:00Z"
    assert said.training["parameters"] == {"epochs": 40, "rate": 0.01, "shuffled": True, "optimiser": "sgd"}
    assert said.environment is not None
    assert (said.environment.python, said.environment.packages) == ("3.6.15", (("cntk", "2.7"),))


def test_what_is_said_is_read_back_from_a_statement(tmp_path: Path) -> None:
    said = read_description(written(tmp_path, FULL))
    again = description_in({"runDetails": {"cntkbridge_model": said.to_json()}})
    assert (again.model, again.metrics, again.limitations) == (said.model, said.metrics, said.limitations)
    assert again.data == said.data


@pytest.mark.parametrize("run", [None, 5, {}, {"cntkbridge_model": 5}, {"cntkbridge_model": {"model": {"name": 5}}}])
def test_statement_that_says_nothing_of_the_known_form_describes_nothing(run: object) -> None:
    assert description_in({"runDetails": run}) == Description()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("model: {name: x}\nmodel: {name: y}", "line 2, column 1: 'model' is stated twice"),
        ("model: &m {name: x}\ntraining: *m", r"line 2, column 11: an alias \(\*m\)"),
        ("model: {name: x}\ntraining: {parameters: {rate: .nan}}", "line 2, column 31: '.nan' of type float"),
        ("model: {name: x}\ntraining: {parameters: {rate: 1.0e+999}}", "'1.0e.999' of type float"),
        ("model: {name: x}\ntraining: {parameters: {seed: 9223372036854775808}}", "of type int"),
        ('model: {name: "\\ud800"}', "half of a surrogate pair"),
        (
            "model: !!python/object/apply:os.system [id]",
            "line 1, column 8: the tag 'tag:yaml.org,2002:python/object/apply:os.system'",
        ),
        ("model: !!set {name: x}", "the tag 'tag:yaml.org,2002:set'"),
        ("model: {name: !!binary aGk=}", "of type binary"),
        ("model: {name: x, ? [a] : b}", "a key that is not a text"),
        ("model: {name: x, colour: red}", "model: .*'colour' was unexpected"),
        ("model: {}", "model: 'name' is a required property"),
        ("{}", "the whole: 'model' is a required property"),
        ("", "None is not of type 'object'"),
        ("model: {name: x}\ntraining: {finished: yesterday}", "training.finished"),
        ("model: {name: x}\nmetrics: [{name: accuracy}]", r"metrics.0: 'value' is a required property"),
        ("model: [", "is not YAML"),
        (b"model: \xff", "is not UTF-8: .* byte 7"),
        ("[" * 50 + "]" * 50, "nested more than 20 deep"),
        ("[" * 5000 + "]" * 5000, "nested|not YAML"),
    ],
)
def test_description_that_is_not_plain_is_refused_with_its_place(text: str | bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match=reason):
        read_description(written(tmp_path, text))


def test_description_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="more than 1048576 bytes"):
        read_description(written(tmp_path, b"#" * (1 << 20) + b"\nmodel: {name: x}"))


def test_missing_description_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidOptionError, match="No such file"):
        read_description(tmp_path / "none.yaml")
