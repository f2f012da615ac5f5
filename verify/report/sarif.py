"""The report as SARIF 2.1.0, for code scanning: a result for everything that does not hold.

A result needs a file to be shown at: the case's description, by its path in the repository. What a waiver allows is there too,
as a suppressed result with the waiver's reason. GitHub shows the first 5,000 results of a run, so that no more are written; it
takes 10 MB, which bounds on the length of every text keep.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from verify.report.document import OutputVerdict, Report
from verify.report.figures import error_figure, tolerance_figure
from verify.report.sarif_rules import (
    CASE_FAILED,
    FIRST_DIVERGENCE,
    NOT_DETERMINISTIC,
    NOTHING_CHECKED,
    RULE_OF_VERDICT,
    RULES,
    WAIVER_UNUSED,
    Rule,
)
from verify.report.sentences import findings, output_line, summary
from verify.report.visible import one_line

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_RESULTS = 5_000
MOST_CHARACTERS = 1_000
REPORT_FILE = "report.json"


def render_sarif(report: Report, case_files: Mapping[str, str] | None = None) -> str:
    """The log as JSON. ``case_files`` are the paths of the cases' descriptions in the repository, by the name of the case.

    Without them, a case's description is ``<case>/case.json``.
    """
    results = list(_results(report, case_files or {}))
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report, results)]}
    return json.dumps(log, allow_nan=False, indent=1, sort_keys=True) + "\n"


def _run(report: Report, results: list[dict[str, Any]]) -> dict[str, Any]:
    notifications = []
    if len(results) > MOST_RESULTS:
        left_out = len(results) - MOST_RESULTS
        text = f"{left_out} more results were left out: {MOST_RESULTS} are shown; {REPORT_FILE} has them all"
        notifications.append({"level": "warning", "message": {"text": text}})
    invocation: dict[str, Any] = {
        # The tool did its work, whatever it found: only a case that came to nothing says otherwise.
        "executionSuccessful": not any(case.error for case in report.cases),
        "endTimeUtc": one_line(report.created, 40),
        "toolExecutionNotifications": notifications,
    }
    if report.command:
        invocation["commandLine"] = one_line(report.command, MOST_CHARACTERS)
    return {
        "tool": {
            "driver": {
                "name": one_line(report.tool.name, 100),
                "version": one_line(report.tool.version, 100),
                "rules": [rule.to_json() for rule in RULES],
            }
        },
        "automationDetails": {"id": "equivalence/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "properties": {"verdict": report.verdict.value, "summary": summary(report)},
        "results": results[:MOST_RESULTS],
    }


def _results(report: Report, case_files: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    if not report.cases:
        yield _result(NOTHING_CHECKED, summary(report), REPORT_FILE, ())
    # The operator at which a difference arises says more than the outputs that it reaches, and stands first.
    for bisection in report.bisections:
        if (layer := bisection.culprit) is not None:
            text = (
                f"{layer.operator} {layer.node}: abs err {error_figure(layer.forced_max_abs)} > {error_figure(layer.allowed)} "
                f"by itself, on {bisection.backend}"
            )
            where = (bisection.case, bisection.backend, layer.node)
            yield _result(FIRST_DIVERGENCE, text, _file(bisection.case, case_files), where)
    for finding in findings(report):
        case, output = finding.case, finding.output
        rule = CASE_FAILED if output is None else RULE_OF_VERDICT[output.verdict]
        wider = output.metrics.minimum if output is not None and output.metrics is not None else None
        advice = f"; would pass at {tolerance_figure(wider)}" if wider is not None else ""
        where = (case.case, case.backend, output.name if output is not None else "")
        yield _result(rule, f"{case.case} on {case.backend}: {finding.line}{advice}", _file(case.case, case_files), where)
    for check in report.determinism:
        if not check.holds:
            text = f"{check.check} on {check.backend}: {check.detail or check.verdict.value}"
            yield _result(NOT_DETERMINISTIC, text, REPORT_FILE, (check.check, check.backend))
    yield from _waived(report, case_files)


def _waived(report: Report, case_files: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for case in report.cases:
        for output in case.outputs:
            if output.verdict is OutputVerdict.WAIVED and output.waiver is not None:
                text = f"{case.case} on {case.backend}: {output_line(output)}"
                where = (case.case, case.backend, output.name)
                result = _result(RULE_OF_VERDICT[output.verdict], text, _file(case.case, case_files), where)
                reason = one_line(f"until {output.waiver.expires}: {output.waiver.reason}", MOST_CHARACTERS)
                yield {**result, "suppressions": [{"kind": "external", "status": "accepted", "justification": reason}]}
    for waiver in report.waivers:
        if not waiver.applied:
            text = f"the waiver for {waiver.output} in {waiver.case} was not needed: {waiver.reason}"
            yield _result(WAIVER_UNUSED, text, _file(waiver.case, case_files), (waiver.case, waiver.output))


def _result(rule: Rule, text: str, file: str, where: tuple[str, ...]) -> dict[str, Any]:
    # The same thing found again has the same fingerprint, whatever its figures are this time.
    fingerprint = hashlib.sha256("\0".join((rule.identifier, *where)).encode("utf-8", "surrogatepass")).hexdigest()
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": quote(file, errors="replace")}, "region": {"startLine": 1}}
    }
    if name := "/".join(part for part in where if part):
        location["logicalLocations"] = [{"fullyQualifiedName": one_line(name, MOST_CHARACTERS), "kind": "member"}]
    return {
        "ruleId": rule.identifier,
        "ruleIndex": RULES.index(rule),
        "level": rule.level,
        "message": {"text": one_line(text, MOST_CHARACTERS)},
        "locations": [location],
        "partialFingerprints": {"equivalence/v1": fingerprint},
    }


def _file(case: str, case_files: Mapping[str, str]) -> str:
    return case_files.get(case, f"{case}/case.json")
