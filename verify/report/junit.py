"""The report as JUnit XML: a suite for each case on each backend, a test for each output.

The form is the one of Jenkins' ``junit-10.xsd``, which the others read too. It has properties on suites alone: an output's
figures are properties of its suite, with the output's name in front.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from verify.report.document import Case, Determinism, Metrics, Output, OutputVerdict, Report
from verify.report.figures import tolerance_figure
from verify.report.sentences import output_line
from verify.report.visible import one_line, visible, visible_lines

_FIGURES = ("max_abs", "max_rel", "mean_abs", "max_ulp", "median_ulp", "cosine", "sqnr_db", "mismatches", "elements")


def render_junit(report: Report) -> str:
    """The document, in UTF-8 with its declaration. Times are in seconds."""
    suites = [_case_suite(case, number, report) for number, case in enumerate(report.cases)]
    if report.determinism:
        suites.append(_determinism_suite(report.determinism, len(suites), report))
    root = ET.Element("testsuites", {"name": "equivalence", **_totals(suites)})
    root.extend(suites)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _case_suite(case: Case, number: int, report: Report) -> ET.Element:
    name = f"{visible(case.case)} on {visible(case.backend)}"
    tests = list(_case_tests(case, name))
    suite = _suite(name, number, report, tests, case.seconds)
    _add_properties(suite, [("backend", case.backend), ("reference", case.reference), ("verdict", case.verdict.value)])
    for output in case.outputs:
        _add_properties(suite, [(f"{output.name}.{key}", value) for key, value in _figures(output)])
    suite.extend(tests)
    return suite


def _case_tests(case: Case, suite_name: str) -> Iterator[ET.Element]:
    share = case.seconds / max(len(case.outputs), 1)
    for output in case.outputs:
        test = _test(suite_name, visible(output.name), share)
        if not output.holds:
            failure = ET.SubElement(test, "failure", {"message": output_line(output), "type": output.verdict.value})
            failure.text = "\n".join([*visible_lines(output.reason), f"allowed: {tolerance_figure(output.tolerance)}"])
        elif output.verdict is OutputVerdict.WAIVED:
            ET.SubElement(test, "system-out").text = output_line(output)
        yield test
    if case.error or not case.outputs:
        test = _test(suite_name, "case", 0.0 if case.outputs else share)
        if case.error:
            error = ET.SubElement(test, "error", {"message": one_line(case.error), "type": "error"})
            error.text = "\n".join(visible_lines(case.error))
        elif case.note:
            ET.SubElement(test, "system-out").text = one_line(case.note)
        yield test


def _determinism_suite(checks: tuple[Determinism, ...], number: int, report: Report) -> ET.Element:
    tests = []
    for check in checks:
        test = _test("determinism", f"{visible(check.check)} on {visible(check.backend)}", 0.0)
        if not check.holds:
            kind = "error" if check.verdict.value == "error" else "failure"
            message = one_line(check.detail) or check.verdict.value
            ET.SubElement(test, kind, {"message": message, "type": check.verdict.value})
        elif check.verdict.value == "skipped":
            ET.SubElement(test, "skipped", {"message": one_line(check.detail)})
        tests.append(test)
    suite = _suite("determinism", number, report, tests, 0.0)
    suite.extend(tests)
    return suite


def _suite(name: str, number: int, report: Report, tests: list[ET.Element], seconds: float) -> ET.Element:
    counts = {
        "tests": len(tests),
        "failures": sum(test.find("failure") is not None for test in tests),
        "errors": sum(test.find("error") is not None for test in tests),
        "skipped": sum(test.find("skipped") is not None for test in tests),
    }
    # The schema takes three digits of a suite's time; a test's are free.
    attributes = {"name": name, "id": str(number), "time": f"{seconds:.3f}", **{key: str(count) for key, count in counts.items()}}
    # The schema wants a local time without an offset; reports carry UTC.
    return ET.Element("testsuite", {**attributes, "timestamp": visible(report.created)[:19]})


def _test(suite_name: str, name: str, seconds: float) -> ET.Element:
    return ET.Element("testcase", {"classname": suite_name, "name": name, "time": f"{seconds:.6f}"})


def _add_properties(suite: ET.Element, pairs: list[tuple[str, str]]) -> None:
    properties = suite.find("properties")
    if properties is None:
        properties = ET.SubElement(suite, "properties")
    for name, value in pairs:
        ET.SubElement(properties, "property", {"name": visible(name), "value": visible(value)})


def _figures(output: Output) -> Iterator[tuple[str, str]]:
    yield "verdict", output.verdict.value
    if output.tolerance is not None:
        yield "tolerance", tolerance_figure(output.tolerance)
    if output.metrics is not None:
        yield from _metric_figures(output.metrics)
    if output.agreement is not None:
        yield "argmax_flips", f"{output.agreement.argmax_flips} of {output.agreement.samples}"
        yield "unexplained_flips", str(output.agreement.unexplained_flips)
    if output.waiver is not None:
        yield "waiver", f"until {output.waiver.expires}: {output.waiver.reason}"


def _metric_figures(metrics: Metrics) -> Iterator[tuple[str, str]]:
    for key in _FIGURES:
        value = getattr(metrics, key)
        if value is not None:
            yield key, f"{value:.9g}" if isinstance(value, float) else str(value)
    yield "minimum_tolerance", "none would do" if metrics.minimum is None else tolerance_figure(metrics.minimum)


def _totals(suites: list[ET.Element]) -> dict[str, str]:
    totals = {key: str(sum(int(suite.attrib[key]) for suite in suites)) for key in ("tests", "failures", "errors")}
    return {**totals, "time": f"{sum(float(suite.attrib['time']) for suite in suites):.3f}"}
