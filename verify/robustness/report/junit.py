"""The report as JUnit XML: a test for every gate, one for every sign of masking, and the attacks as properties."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from verify.report.visible import one_line, visible
from verify.robustness.document import CheckStatus, RobustnessReport, ThreatResult, Verdict
from verify.robustness.report.sentences import share_text, summary, threat_text


def render_junit(report: RobustnessReport) -> str:
    """The document, in UTF-8 with its declaration. Times are in seconds."""
    tests = [test for result in report.results for test in _tests(result)]
    if not report.results:
        tests.append(_error("test", summary(report)))
    counts = {
        "tests": str(len(tests)),
        "failures": str(sum(test.find("failure") is not None for test in tests)),
        "errors": str(sum(test.find("error") is not None for test in tests)),
    }
    attributes = {"name": f"robustness {visible(report.tier)}", "id": "0", "time": f"{report.seconds:.3f}", **counts}
    skipped = str(sum(test.find("skipped") is not None for test in tests))
    suite = ET.Element("testsuite", {**attributes, "skipped": skipped, "timestamp": visible(report.created)[:19]})
    suite.append(_properties(report))
    suite.extend(tests)
    root = ET.Element("testsuites", {"name": "robustness", **counts, "time": attributes["time"]})
    root.append(suite)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _tests(result: ThreatResult) -> list[ET.Element]:
    tests = [*_gates(result), *_checks(result)]
    if result.verdict is Verdict.ERROR:
        tests.append(_error(f"{result.threat.norm}.test", result.error or "no attack was run"))
    return tests


def _gates(result: ThreatResult) -> list[ET.Element]:
    tests = []
    for gate in result.gates:
        test = _test(f"{result.threat.norm}.gates", gate.name)
        if not gate.holds:
            told = gate.detail or f"bound {gate.bound:.4g}, required {gate.required:.4g}"
            ET.SubElement(test, "failure", {"message": one_line(told), "type": "gate"})
        tests.append(test)
    return tests


def _checks(result: ThreatResult) -> list[ET.Element]:
    tests = []
    for check in result.checks:
        test = _test(f"{result.threat.norm}.masking", check.name)
        if check.status is CheckStatus.RAISED:
            ET.SubElement(test, "failure", {"message": one_line(check.detail), "type": "unreliable"})
        elif check.status is CheckStatus.SKIPPED:
            ET.SubElement(test, "skipped", {"message": one_line(check.detail)})
        elif check.status is CheckStatus.NOTED:
            ET.SubElement(test, "system-out").text = one_line(check.detail)
        tests.append(test)
    return tests


def _error(kind: str, message: str) -> ET.Element:
    test = _test(kind, "the test as a whole")
    ET.SubElement(test, "error", {"message": one_line(message), "type": "error"})
    return test


def _properties(report: RobustnessReport) -> ET.Element:
    pairs = [("verdict", report.verdict.value)]
    for result in report.results:
        norm = result.threat.norm
        pairs += [(f"{norm}.threat", threat_text(result)), (f"{norm}.worst case", share_text(result.worst))]
        pairs += [(f"{norm}.attack.{attack.name}", share_text(attack.robust)) for attack in result.attacks]
    properties = ET.Element("properties")
    for name, value in pairs:
        ET.SubElement(properties, "property", {"name": visible(name), "value": visible(value)})
    return properties


def _test(kind: str, name: str) -> ET.Element:
    return ET.Element("testcase", {"classname": visible(f"robustness.{kind}"), "name": visible(name), "time": "0.000000"})
