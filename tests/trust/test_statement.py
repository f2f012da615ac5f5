"""bridge.trust.statement: in-toto statements, to and from their JSON form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.errors import InvalidBundleError
from bridge.trust.statement import Statement, Subject

_VALID: dict[str, Any] = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": "m", "digest": {"sha256": "00ff"}, "uri": "pkg:x"}],
    "predicateType": "https://example.org/p",
    "predicate": {"a": 1},
}


def test_statement_survives_its_json_form() -> None:
    statement = Statement.from_json(_VALID)
    assert statement.subject == (Subject("m", {"sha256": "00ff"}, {"uri": "pkg:x"}),)
    assert statement.to_json() == _VALID
    assert Statement.from_bytes(statement.to_bytes()) == statement


def test_statement_without_a_predicate_is_read() -> None:
    assert Statement.from_json({key: value for key, value in _VALID.items() if key != "predicate"}).predicate == {}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"_type": "https://in-toto.io/Statement/v0.1"}, "_type"),
        ({"subject": []}, "subject"),
        ({"subject": {}}, "subject"),
        ({"subject": ["m"]}, "subject[0]"),
        ({"subject": [{"name": "m", "digest": {}}]}, "subject[0].digest"),
        ({"subject": [{"name": "m"}]}, "subject[0].digest"),
        ({"subject": [{"name": "m", "digest": {"sha256": "FF"}}]}, "subject[0].digest.sha256"),
        ({"subject": [{"name": "m", "digest": {"sha256": 5}}]}, "subject[0].digest.sha256"),
        ({"subject": [{"name": 7, "digest": {"sha256": "00"}}]}, "subject[0].name"),
        ({"predicateType": ""}, "predicateType"),
        ({"predicateType": None}, "predicateType"),
        ({"predicate": []}, "predicate"),
        ({"more": 1}, ""),
    ],
)
def test_statement_of_unsound_form_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidBundleError) as caught:
        Statement.from_bytes(json.dumps(_VALID | change).encode())
    assert caught.value.field == field


def test_nan_cannot_be_signed() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        Statement((Subject("m", {"sha256": "00"}),), "t", {"a": float("nan")}).to_bytes()
