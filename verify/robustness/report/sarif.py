"""The report as SARIF 2.1.0, for code scanning: a result for every gate that does not hold and every sign of masking."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from verify.report.sarif import MOST_CHARACTERS, REPORT_FILE, SCHEMA
from verify.report.visible import one_line
from verify.robustness.document import Gate, RobustnessReport, Verdict
from verify.robustness.report.sentences import fault_line, faults, summary

_RULES: Final = {
    "ROB001": ("GateMissed", "error", "A gate on robustness or on conversion parity does not hold."),
    "ROB002": (
        "GradientsMasked",
        "warning",
        "The model shows a sign of masked gradients, so that its robustness is not measured.",
    ),
    "ROB003": ("NothingTested", "error", "The robustness test came to nothing."),
}


def render_sarif(report: RobustnessReport) -> str:
    """The log as JSON; results point to the report's JSON form, which lies beside it."""
    results = [
        _result(
            "ROB001" if isinstance(fault, Gate) else "ROB002", fault_line(result, fault), f"{result.threat.norm}\0{fault.name}"
        )
        for result, fault in faults(report)
    ]
    if report.verdict is Verdict.ERROR:
        results.append(_result("ROB003", summary(report), "test"))
    driver = {
        "name": one_line(report.tool.name, 100),
        "version": one_line(report.tool.version, 100),
        "rules": [_rule(identifier, *rule) for identifier, rule in _RULES.items()],
    }
    invocation: dict[str, Any] = {
        "executionSuccessful": report.verdict is not Verdict.ERROR,
        "endTimeUtc": one_line(report.created, 40),
    }
    if report.command:
        invocation["commandLine"] = one_line(report.command, MOST_CHARACTERS)
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": "robustness/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "properties": {"verdict": report.verdict.value, "summary": summary(report)},
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, allow_nan=False, indent=1, sort_keys=True) + "\n"


def _rule(identifier: str, name: str, level: str, text: str) -> dict[str, Any]:
    return {
        "id": identifier,
        "name": name,
        "shortDescription": {"text": text},
        "fullDescription": {"text": text},
        "defaultConfiguration": {"level": level},
        "help": {"text": f"{text} See the report's page for every attack and check."},
        "properties": {"tags": ["robustness"]},
    }


def _result(identifier: str, text: str, name: str) -> dict[str, Any]:
    fingerprint = hashlib.sha256(f"{identifier}\0{name}".encode("utf-8", "surrogatepass")).hexdigest()
    return {
        "ruleId": identifier,
        "ruleIndex": list(_RULES).index(identifier),
        "level": _RULES[identifier][1],
        "message": {"text": one_line(text, MOST_CHARACTERS)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": REPORT_FILE}, "region": {"startLine": 1}}}],
        "partialFingerprints": {"robustness/v1": fingerprint},
    }
