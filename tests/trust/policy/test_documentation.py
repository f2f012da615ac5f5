"""docs/policy.md says what the code knows: every rule and every kind of statement, and an example that fits the schema."""

from __future__ import annotations

import re
from pathlib import Path

from jsonschema import Draft202012Validator

from bridge.trust.policy.document import policy_schema
from bridge.trust.policy.rules import RULES, RUNTIME_RULES
from bridge.trust.policy.statements import KINDS
from bridge.trust.provenance.yaml_document import parse_yaml

PAGE = (Path(__file__).parents[3] / "docs" / "policy.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([a-z-]+)` \| (.*) \|$", re.MULTILINE)


def test_page_lists_every_rule_and_every_kind_of_statement() -> None:
    assert dict(ROW.findall(PAGE)) == dict(RULES) | dict(RUNTIME_RULES) | dict(KINDS)


def test_rules_stand_in_the_order_in_which_they_are_applied() -> None:
    listed = [name for name, _ in ROW.findall(PAGE)]
    assert listed == [*RULES, *RUNTIME_RULES, *KINDS]


def test_example_fits_the_schema_and_shows_all_of_it() -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    document = parse_yaml(example.encode(), what="the example")
    Draft202012Validator(policy_schema()).validate(document)
    properties = policy_schema()["properties"]
    assert set(document) == set(properties)
    assert set(document["runtime"]) == set(properties["runtime"]["properties"])


def test_schema_knows_the_same_kinds_of_statements() -> None:
    assert policy_schema()["$defs"]["kind"]["anyOf"][0]["enum"] == list(KINDS)
