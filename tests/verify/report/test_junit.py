"""JUnit XML: its form is Jenkins' junit-10.xsd, written here as a table."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.verify.report.sample_reports import different_report, equivalent_report, hostile_report
from verify.report.document import DeterminismVerdict, Report
from verify.report.junit import render_junit

# Children and attributes of each element; those in capitals are required.
FORM = {
    "testsuites": ({"testsuite"}, {"name", "time", "tests", "failures", "errors"}),
    "testsuite": (
        {"properties", "testcase", "system-out", "system-err"},
        {"NAME", "TESTS", "FAILURES", "ERRORS", "time", "skipped", "timestamp", "hostname", "id", "package"},
    ),
    "properties": ({"property"}, set()),
    "property": (set(), {"NAME", "VALUE"}),
    "testcase": ({"skipped", "error", "failure", "system-out", "system-err"}, {"NAME", "time", "classname", "group"}),
    "failure": (set(), {"type", "message"}),
    "error": (set(), {"type", "message"}),
    "skipped": (set(), {"type", "message"}),
    "system-out": (set(), set()),
}
REPORTS = [equivalent_report, different_report, hostile_report]


def _parse(report: Report) -> ET.Element:
    return ET.fromstring(render_junit(report))  # noqa: S314 - our own text.


def _suite(root: ET.Element, name: str) -> ET.Element:
    return next(suite for suite in root if suite.attrib["name"] == name)


@pytest.mark.parametrize("report", REPORTS)
def test_the_form_is_the_one_that_is_read_everywhere(report: Callable[[], Report]) -> None:
    for element in _parse(report()).iter():
        children, attributes = FORM[element.tag]
        assert {child.tag for child in element} <= children
        assert set(element.attrib) <= {name.lower() for name in attributes}
        assert {name.lower() for name in attributes if name.isupper()} <= set(element.attrib)
        if element.tag.startswith("testsuite"):
            assert re.fullmatch(r"\d*\.\d{3}", element.attrib["time"])


@pytest.mark.parametrize("report", REPORTS)
def test_counts_are_those_of_the_elements(report: Callable[[], Report]) -> None:
    root = _parse(report())
    for key, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        assert int(root.attrib[key]) == len(list(root.iter(tag)))
        assert all(int(suite.attrib[key]) == len(list(suite.iter(tag))) for suite in root)


def test_every_output_is_a_test() -> None:
    report = equivalent_report()
    outputs = sum(len(case.outputs) for case in report.cases)
    assert len(list(_parse(report).iter("testcase"))) == outputs + len(report.determinism)
    assert not list(_parse(report).iter("failure"))


def test_a_failure_says_what_on_one_line() -> None:
    root = _parse(different_report())
    test = next(test for test in root.iter("testcase") if test.find("failure") is not None)
    failure = test.find("failure")
    assert failure is not None
    assert (test.attrib["classname"], test.attrib["name"]) == ("resnet20 on onnxruntime-cpu", "z")
    assert failure.attrib["message"].startswith("z: abs err 3.1e-2 > 5.1e-4 at (0, 7)")
    assert failure.attrib["type"] == "differs"
    error = next(root.iter("error"))
    assert error.attrib["message"] == "the graph of wide_and_deep holds an operator that the backend lacks: CumSum"


def test_figures_are_properties_of_the_suite() -> None:
    suite = _suite(_parse(different_report()), "resnet20 on onnxruntime-cpu")
    properties = {element.attrib["name"]: element.attrib["value"] for element in suite.iter("property")}
    assert properties["z.max_abs"] == "0.031"
    assert properties["z.minimum_tolerance"] == "rtol 6.1e-2, atol 6.1e-4"
    assert properties["z.unexplained_flips"] == "1"
    assert float(suite.attrib["time"]) == pytest.approx(different_report().cases[4].seconds, abs=6e-4)


def test_determinism_checks_pass_fail_and_are_skipped() -> None:
    report = equivalent_report()
    check = report.determinism[0]
    verdicts = (DeterminismVerdict.DIFFERS, DeterminismVerdict.ERROR, DeterminismVerdict.SKIPPED, DeterminismVerdict.AGREES)
    root = _parse(replace(report, determinism=tuple(replace(check, verdict=verdict) for verdict in verdicts)))
    kinds = [[child.tag for child in test] for test in _suite(root, "determinism").iter("testcase")]
    assert kinds == [["failure"], ["error"], ["skipped"], []]


def test_names_of_any_kind_are_shown_as_text() -> None:
    names = [test.attrib["name"] for test in _parse(hostile_report()).iter("testcase")]
    assert any(name.startswith(r"<script>alert(1)</script>\x00\x1b[31m\u202e|`*_&") for name in names)
