"""The published schema: that it describes what is written, refuses what is not, and keeps step with the dataclasses."""

import copy
import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.verify.report.sample_reports import different_report, equivalent_report
from verify.report import document
from verify.report.document import Report
from verify.report.document.codec import derived_members, member_types
from verify.report.json_report import json_schema, render_json

VALIDATOR = Draft202012Validator(json_schema())
PARTS: list[type[Any]] = [getattr(document, name) for name in document.__all__]
DATACLASSES = [part for part in PARTS if dataclasses.is_dataclass(part)]


def _definition(kind: type[Any]) -> dict[str, Any]:
    schema = json_schema()
    found: dict[str, Any] = schema if kind is Report else schema["$defs"][kind.__name__.lower()]
    return found


@pytest.mark.parametrize("report", [equivalent_report, different_report])
def test_a_report_is_valid(report: Callable[[], Report]) -> None:
    VALIDATOR.validate(json.loads(render_json(report())))


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("kind", DATACLASSES, ids=str)
def test_every_field_is_in_the_schema_and_the_other_way_round(kind: type[Any]) -> None:
    definition = _definition(kind)
    members = {*member_types(kind), *derived_members(kind)}
    assert set(definition["properties"]) == members
    assert set(definition["required"]) == members
    assert definition["additionalProperties"] is False
    assert all(member["description"] for member in definition["properties"].values())


def test_every_definition_is_used() -> None:
    names = {kind.__name__.lower() for kind in DATACLASSES if kind is not Report}
    assert set(json_schema()["$defs"]) == names | {"number", "magnitude"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema_version",), "1.1"),
        (("verdict",), "fine"),
        (("created",), "yesterday"),
        (("models", 0, "sha256"), "abc"),
        (("models", 0, "role"), "other"),
        (("waivers", 0, "expires"), "soon"),
        (("cases", 0, "seconds"), -1),
        (("cases", 0, "outputs", 0, "metrics", "elements"), 1.5),
        (("cases", 0, "outputs", 0, "metrics", "max_abs"), "NaN"),
        (("cases", 0, "outputs", 0, "shape"), "3"),
        (("seeds", "inputs"), "1"),
        (("unknown",), None),
        (("tool", "unknown"), None),
    ],
)
def test_a_changed_report_is_not_valid(path: tuple[str | int, ...], value: Any) -> None:
    changed = copy.deepcopy(equivalent_report().to_json())
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert not VALIDATOR.is_valid(changed)


def test_the_same_report_gives_the_same_text() -> None:
    text = render_json(equivalent_report())
    assert text == render_json(equivalent_report())
    assert text.isascii()
    assert list(json.loads(text)) == sorted(json.loads(text))


def test_there_is_no_number_that_json_lacks() -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    text = render_json(equivalent_report())
    assert json.loads(text, parse_constant=refuse)["cases"][0]["outputs"][0]["metrics"]["histogram"]["edges"][-1] == "inf"
