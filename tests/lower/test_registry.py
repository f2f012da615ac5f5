"""Every operator of CNTK is lowered or refused, in words, with something that exercises it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bridge.graph.inference.rule import RULES
from bridge.graph.operators import OPERATORS
from bridge.lower.refusals import LEGACY
from bridge.lower.registry import LOWERINGS, REFUSALS
from tools.operators_table import DISSOLVED, TABLE, operators_in_cases, render

FOLDER = Path(__file__).parent
PRIMITIVES = [name for name in OPERATORS.values() if name not in DISSOLVED]


@pytest.fixture(scope="module")
def cases() -> Counter[str]:
    return operators_in_cases()


@pytest.mark.parametrize("operator", PRIMITIVES)
def test_operator_is_either_lowered_or_refused(operator: str) -> None:
    assert (operator in LOWERINGS) != (operator in REFUSALS)


def test_registry_knows_no_operator_that_does_not_exist() -> None:
    known = {*OPERATORS.values(), *LEGACY, "UserDefined"}
    assert {name for name in (*LOWERINGS, *REFUSALS) if name not in known and not name.startswith("Block:")} == set()


@pytest.mark.parametrize("operator", sorted(LOWERINGS))
def test_lowered_operator_has_a_type_rule(operator: str) -> None:
    assert operator in RULES


@pytest.mark.parametrize("operator", sorted(REFUSALS))
def test_refusal_gives_a_reason_and_a_way_out(operator: str) -> None:
    assert REFUSALS[operator].reason
    assert REFUSALS[operator].advice


def test_every_operator_has_a_golden_case_or_a_test(cases: Counter[str]) -> None:
    tests = "".join(path.read_text() for path in FOLDER.rglob("test_*.py") if path != Path(__file__))
    untested = [name for name in (*LOWERINGS, *REFUSALS) if name not in LEGACY and not cases[name] and f'"{name}"' not in tests]
    assert untested == []


def test_table_of_operators_is_up_to_date(cases: Counter[str]) -> None:
    assert TABLE.read_text(encoding="utf-8") == render(cases), "run `python -m tools.operators_table`"
