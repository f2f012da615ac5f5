"""The report as JUnit XML: a test for every gate, one for every sign of masking, and the attacks as properties."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from verify.report.visible import one_line, visible
from verify.robustness.document import CheckStatus, RobustnessReport
from verify.robustness.report.sentences import share_text, summary, threat_text


def render_junit(report: RobustnessReport) -> str:
    """The document, in UTF-8 with its declaration. Times are in seconds."""
    tests = [*_gates(report), *_checks(report)]
    if report.error or not tests:
        test = _test("test", "the test as a whole")
        ET.SubElement(test, "error", {"message": one_line(report.error or summary(report)), "type": "error"})
        tests.append(test)
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


def _gates(report: RobustnessReport) -> list[ET.Element]:
    tests = []
    for gate in report.gates:
        test = _test("gates", gate.name)
        if not gate.holds:
            told = gate.detail or f"bound {gate.bound:.4g}, required {gate.required:.4g}"
            ET.SubElement(test, "failure", {"message": one_line(told), "type": "gate"})
        tests.append(test)
    return tests


def _checks(report: RobustnessReport) -> list[ET.Element]:
    tests = []
    for check in report.checks:
        test = _test("masking", check.name)
        if check.status is CheckStatus.RAISED:
            ET.SubElement(test, "failure", {"message": one_line(check.detail), "type": "unreliable"})
        elif check.status is CheckStatus.SKIPPED:
            ET.SubElement(test, "skipped", {"message": one_line(check.detail)})
        elif check.status is CheckStatus.NOTED:
            ET.SubElement(test, "system-out").text = one_line(check.detail)
        tests.append(test)
    return tests


def _properties(report: RobustnessReport) -> ET.Element:
    pairs = [("verdict", report.verdict.value), ("threat", threat_text(report)), ("worst case", share_text(report.worst))]
    pairs += [(f"attack.{attack.name}", share_text(attack.robust)) for attack in report.attacks]
    properties = ET.Element("properties")
    for name, value in pairs:
        ET.SubElement(properties, "property", {"name": visible(name), "value": visible(value)})
    return properties


def _test(kind: str, name: str) -> ET.Element:
    return ET.Element("testcase", {"classname": f"robustness.{kind}", "name": visible(name), "time": "0.000000"})
