from __future__ import annotations

import base64
import dataclasses
import json
import struct
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from bridge.errors import InvalidReportError
from tests.verify.robustness.sample_reports import sample_report
from verify.report.document.codec import derived_members, member_types
from verify.robustness import document
from verify.robustness.document import RobustnessReport, ThreatResult, Verdict
from verify.robustness.png import png
from verify.robustness.report.html.page import render_html
from verify.robustness.report.json_report import json_schema, parse_json, render_json
from verify.robustness.report.junit import render_junit
from verify.robustness.report.markdown import render_markdown
from verify.robustness.report.sarif import render_sarif
from verify.robustness.report.sentences import summary
from verify.robustness.report.writing import write_reports

HOSTILE = "<img src=x onerror=alert(1)>\"'|`*\x1b[31m\u202e]]>&\n#"
REPORTS = {"pass": sample_report(), "unreliable": sample_report(raised=True), "fail": sample_report(missed=True)}
SEVERAL = sample_report(missed=True, norms=("linf", "l2"))


def with_result(report: RobustnessReport, **members: Any) -> RobustnessReport:
    """The report with its one result changed."""
    return dataclasses.replace(report, results=(dataclasses.replace(report.results[0], **members),))


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_read_back_as_it_was_written(name: str) -> None:
    report = REPORTS[name]
    assert parse_json(render_json(report).encode()) == RobustnessReport.from_json(report.to_json())
    assert report.verdict.value == name


@pytest.mark.parametrize("report", [*REPORTS.values(), SEVERAL], ids=[*REPORTS, "several"])
def test_a_report_is_valid_under_the_published_schema(report: RobustnessReport) -> None:
    Draft202012Validator.check_schema(json_schema())
    Draft202012Validator(json_schema()).validate(json.loads(render_json(report)))


@pytest.mark.parametrize("kind", [kind for name in document.__all__ if dataclasses.is_dataclass(kind := getattr(document, name))])
def test_every_field_is_in_the_schema_and_the_other_way_round(kind: type[Any]) -> None:
    schema = json_schema()
    definition = schema if kind is RobustnessReport else schema["$defs"][kind.__name__]
    assert set(definition["properties"]) == {*member_types(kind), *derived_members(kind)} == set(definition["required"])


def test_a_document_cannot_say_pass_over_a_sign_that_was_raised() -> None:
    told = sample_report(raised=True).to_json() | {"verdict": "pass", "holds": True}
    with pytest.raises(InvalidReportError, match=r"verdict|holds"):
        RobustnessReport.from_json(told)


def test_a_report_without_an_attack_is_no_pass() -> None:
    for empty in (with_result(sample_report(), attacks=()), dataclasses.replace(sample_report(), results=())):
        assert empty.verdict is Verdict.ERROR
        assert not empty.holds


def test_the_verdict_is_the_worst_of_all_threats() -> None:
    good, doubtful, missed = (REPORTS[name].results[0] for name in ("pass", "unreliable", "fail"))
    broken = dataclasses.replace(good, error="out of memory")

    def verdict(*results: ThreatResult) -> Verdict:
        return dataclasses.replace(sample_report(), results=results).verdict

    assert verdict(good, good) is Verdict.PASS
    assert verdict(good, doubtful) is Verdict.UNRELIABLE
    assert verdict(doubtful, missed, good) is Verdict.FAIL
    assert verdict(missed, broken) is Verdict.ERROR


def test_every_threat_has_its_own_curve_tables_and_tests() -> None:
    page = render_html(SEVERAL)
    for number, norm in enumerate(("linf", "l2")):
        assert f'<section id="curve-{number}"><h2>Accuracy against size, {norm}</h2>' in page
        assert f"Attacks, {norm} 0\\.15" in render_markdown(SEVERAL) or f"Attacks, {norm} 0.15" in render_markdown(SEVERAL)
    names = {case.attrib["classname"] for case in ET.fromstring(render_junit(SEVERAL)).iter("testcase")}  # noqa: S314
    assert names == {f"robustness.{norm}.{kind}" for norm in ("linf", "l2") for kind in ("gates", "masking")}
    results = json.loads(render_sarif(SEVERAL))["runs"][0]["results"]
    assert len({result["partialFingerprints"]["robustness/v1"] for result in results}) == 2


def test_a_missed_gate_outweighs_a_sign() -> None:
    assert sample_report(raised=True, missed=True).verdict is Verdict.FAIL


def test_the_summary_claims_no_more_than_was_asked() -> None:
    without_floor = with_result(sample_report(), gates=(document.Gate("conversion parity", 0.01, 0.0, holds=True),))
    assert "no claim that the model is robust" in summary(without_floor)
    assert "a measurement, not a claim" in summary(with_result(sample_report(), gates=()))
    assert "no measure of robustness" in summary(sample_report(raised=True))


def test_junit_has_a_failure_for_what_keeps_it_from_a_pass() -> None:
    def failures(report: RobustnessReport) -> list[str]:
        root = ET.fromstring(render_junit(report))  # noqa: S314 - our own text.
        suite = root.find("testsuite")
        assert suite is not None
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
        return [case.attrib["name"] for case in suite.findall("testcase") if case.find("failure") is not None]

    assert failures(REPORTS["pass"]) == []
    assert failures(REPORTS["unreliable"]) == ["zero gradients"]
    assert failures(REPORTS["fail"]) == ["floor"]


def test_sarif_has_a_result_for_it() -> None:
    def rules(report: RobustnessReport) -> list[str]:
        return [result["ruleId"] for result in json.loads(render_sarif(report))["runs"][0]["results"]]

    assert rules(REPORTS["pass"]) == []
    assert rules(REPORTS["unreliable"]) == ["ROB002"]
    assert rules(REPORTS["fail"]) == ["ROB001"]
    assert rules(with_result(sample_report(), error="out of memory")) == ["ROB003"]


def test_no_name_becomes_markup_in_any_form() -> None:
    report = RobustnessReport.from_json(sample_report(name=HOSTILE).to_json())
    for render in (render_html, render_markdown):
        assert "<img src=x" not in render(report).replace("\\<", "&lt;")
    for text in (render_html(report), render_markdown(report), render_junit(report), render_sarif(report)):
        assert "\x1b" not in text
        assert "\u202e" not in text
    ET.fromstring(render_junit(report))  # noqa: S314 - our own text.


def test_a_page_fetches_nothing_and_shows_its_own_images() -> None:
    page = render_html(REPORTS["pass"])
    assert "default-src &#x27;none&#x27;" in page
    assert "img-src data:" in page
    assert "<script" not in page
    assert page.count("data:image/png;base64,") == 3
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")


def test_all_forms_are_written(tmp_path: Path) -> None:
    paths = write_reports(REPORTS["fail"], tmp_path / "out")
    assert {path.name for path in paths} == {"report.html", "report.json", "report.xml", "report.md", "report.sarif"}
    assert json.loads((tmp_path / "out" / "report.json").read_bytes())["verdict"] == "fail"


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)], ids=str)
def test_images_are_png_files(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    data = png(pixels)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (7, 5)
    length = struct.unpack(">I", data[33:37])[0]
    rows = np.frombuffer(zlib.decompress(data[41 : 41 + length]), np.uint8).reshape(5, -1)
    assert (rows[:, 0] == 0).all()
    assert np.array_equal(rows[:, 1:].reshape(shape), pixels)
    assert base64.b64encode(data)
