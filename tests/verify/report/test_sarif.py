"""SARIF: what code scanning needs to show a result, and the bounds that GitHub sets."""

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.verify.report.sample_reports import HOSTILE, different_report, equivalent_report, hostile_report
from verify.report.document import Report
from verify.report.sarif import MOST_CHARACTERS, MOST_RESULTS, render_sarif
from verify.report.sarif_rules import RULES


def _run(report: Report, case_files: dict[str, str] | None = None) -> dict[str, Any]:
    log = json.loads(render_sarif(report, case_files))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    found: dict[str, Any] = run
    return found


@pytest.mark.parametrize("report", [equivalent_report, different_report, hostile_report])
def test_every_result_has_a_rule_a_place_and_a_sentence(report: Callable[[], Report]) -> None:
    run = _run(report())
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning", "note"}
        assert 0 < len(result["message"]["text"]) <= MOST_CHARACTERS
        assert result["message"]["text"].isprintable()
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        assert re.fullmatch(r"[A-Za-z0-9_.~%/-]+", physical["artifactLocation"]["uri"])
        assert physical["region"]["startLine"] == 1
        assert re.fullmatch("[0-9a-f]{64}", result["partialFingerprints"]["equivalence/v1"])


def test_rules_say_what_and_what_to_do() -> None:
    identifiers = [rule.identifier for rule in RULES]
    assert identifiers == sorted(set(identifiers))
    for rule in RULES:
        described = rule.to_json()
        assert described["help"]["text"].endswith(".")
        assert described["help"]["markdown"]
        assert len(described["properties"]["tags"]) <= 20


def test_a_difference_stands_at_its_case_and_its_cause_first() -> None:
    run = _run(different_report(), {"resnet20": "golden/resnet20/case.json"})
    first, second, third, *_ = run["results"]
    assert (first["ruleId"], second["ruleId"], third["ruleId"]) == ("EQ006", "EQ001", "EQ004")
    assert first["message"]["text"].startswith("BatchNormalization Block247: abs err 2.4e-2")
    assert "would pass at rtol 6.1e-2, atol 6.1e-4" in second["message"]["text"]
    assert second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "golden/resnet20/case.json"
    assert third["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "wide_and_deep/case.json"


def test_a_waiver_suppresses_and_says_why() -> None:
    results = _run(equivalent_report())["results"]
    suppressed = [result for result in results if "suppressions" in result]
    assert len(suppressed) == 2
    assert suppressed[0]["suppressions"][0]["justification"].startswith("until 2026-12-14: kernels that sum in float16")
    assert [result["ruleId"] for result in results if "suppressions" not in result] == ["EQ008"]


def test_no_case_is_a_result() -> None:
    assert [result["ruleId"] for result in _run(replace(equivalent_report(), cases=(), waivers=()))["results"]] == ["EQ007"]


def test_the_same_finding_has_the_same_fingerprint_whatever_its_figures() -> None:
    def fingerprints(report: Report) -> list[str]:
        return [result["partialFingerprints"]["equivalence/v1"] for result in _run(report)["results"]]

    report = different_report()
    slower = replace(
        report, cases=tuple(replace(case, seconds=case.seconds + 1) for case in report.cases), created="2027-01-01T00:00:00Z"
    )
    assert fingerprints(report) == fingerprints(slower)
    assert len(set(fingerprints(report))) == len(fingerprints(report))


def test_more_results_than_are_shown_are_left_out_and_counted() -> None:
    report = different_report()
    failing = next(case for case in report.cases if case.error)
    many = replace(report, cases=tuple(replace(failing, case=f"case {number}", error=HOSTILE * 30) for number in range(6000)))
    text = render_sarif(many)
    (run,) = json.loads(text)["runs"]
    assert len(run["results"]) == MOST_RESULTS
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].startswith("1002 more results were left out")
    assert len(gzip.compress(text.encode(), 1)) < 10_000_000
