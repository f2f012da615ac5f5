"""The document: what it derives, and that it is read back as it was written."""

import copy
import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BridgeError, InvalidReportError
from tests.verify.report.sample_reports import different_report, equivalent_report, hostile_report
from verify.report.document import Bisection, CaseVerdict, DeterminismVerdict, Metrics, Minimum, OutputVerdict, Report
from verify.report.document.codec import decode, encode
from verify.report.json_report import parse_json, render_json

REPORTS = (equivalent_report, different_report, hostile_report)


def _at(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    changed = copy.deepcopy(document)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


@pytest.mark.parametrize("report", REPORTS)
def test_what_is_written_is_read_back(report: Any) -> None:
    document = report().to_json()
    assert Report.from_json(document).to_json() == document
    assert render_json(parse_json(render_json(report()).encode())) == render_json(report())


def test_an_unchanged_report_comes_back_equal_but_for_rounded_figures() -> None:
    report = different_report()
    read = Report.from_json(report.to_json())
    assert read.models == report.models
    assert read.waivers == report.waivers
    assert read.environment == report.environment
    assert [case.verdict for case in read.cases] == [case.verdict for case in report.cases]


def test_the_verdict_follows_from_the_cases() -> None:
    report = equivalent_report()
    assert report.verdict is CaseVerdict.EQUIVALENT
    assert different_report().verdict is CaseVerdict.DIFFERENT
    assert replace(report, cases=()).verdict is CaseVerdict.ERROR
    assert not replace(report, cases=()).holds
    failed = replace(report, cases=(*report.cases, replace(report.cases[0], error="no such file")))
    assert failed.verdict is CaseVerdict.ERROR


def test_a_determinism_check_that_differs_makes_the_report_differ() -> None:
    report = equivalent_report()
    unsteady = replace(report.determinism[0], verdict=DeterminismVerdict.DIFFERS, identical=False)
    assert replace(report, determinism=(unsteady,)).verdict is CaseVerdict.DIFFERENT


@pytest.mark.parametrize("verdict", [OutputVerdict.MISSING, OutputVerdict.UNRECORDED, OutputVerdict.DIFFERS])
def test_what_was_not_compared_does_not_hold(verdict: OutputVerdict) -> None:
    case = equivalent_report().cases[0]
    assert not replace(case, outputs=(replace(case.outputs[0], verdict=verdict),)).holds


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            ("verdict",),
            "equivalent",
            "not what the rest of the document says in verdict; expected 'different'; found 'equivalent'",
        ),
        (("holds",), True, "not what the rest of the document says in holds"),
        (("schema_version",), "2.0", "in schema_version; expected '1.0'; found '2.0'"),
        (("cases", 0, "outputs", 0, "dtype"), 3, r"wrong value in cases\[0\].outputs\[0\].dtype; expected a string; found 3"),
        (("cases", 0, "outputs", 0, "metrics", "elements"), True, "elements; expected an integer; found True"),
        (("cases", 0, "outputs", 0, "metrics", "max_abs"), "big", "max_abs; expected a number"),
        (("cases", 0, "outputs", 0, "metrics", "max_abs"), 10**400, "max_abs; expected a number"),
        (("cases", 0, "outputs", 0, "verdict"), "fine", "expected one of 'agrees', 'differs'"),
        (("cases",), {}, "wrong value in cases; expected an array"),
        (("seeds",), [], "wrong value in seeds; expected an object"),
        (("tool",), None, "wrong value in tool; expected an object"),
        (("extra",), 1, "unknown member in extra"),
        (("bisections", 0, "first_divergence"), 99, "no such layer"),
    ],
)
def test_a_member_out_of_place_is_refused_by_name(path: tuple[str | int, ...], value: Any, message: str) -> None:
    document = different_report().to_json()
    with pytest.raises(InvalidReportError, match=message) as caught:
        Report.from_json(_at(document, path, value))
    assert caught.value.field


def test_a_missing_member_is_refused_by_name() -> None:
    document = equivalent_report().to_json()
    del document["cases"][3]["reference"]
    with pytest.raises(InvalidReportError, match=r"missing member in cases\[3\].reference"):
        Report.from_json(document)


def test_a_verdict_changed_in_one_output_is_noticed() -> None:
    document = different_report().to_json()
    for case in document["cases"]:
        for output in case["outputs"]:
            output["verdict"] = "agrees"
    with pytest.raises(InvalidReportError, match="not what the rest of the document says"):
        Report.from_json(document)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"a": NaN}', b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_report_are_refused(text: bytes) -> None:
    with pytest.raises(BridgeError):
        parse_json(text)


def test_a_first_divergence_that_is_no_layer_is_refused() -> None:
    with pytest.raises(InvalidReportError, match="no such layer"):
        Bisection(case="a", backend="b", layers=(), first_divergence=0)


@given(
    st.builds(
        Metrics,
        elements=st.integers(0, 1 << 40),
        mismatches=st.integers(0, 1 << 40),
        max_abs=st.floats(),
        max_rel=st.floats(),
        cosine=st.none() | st.floats(-1, 1),
        worst_index=st.none() | st.lists(st.integers(0, 1 << 31)).map(tuple),
        worst_got=st.none() | st.floats(),
        minimum=st.none() | st.builds(Minimum, st.floats(0), st.floats(0)),
    )
)
def test_figures_of_any_kind_survive(metrics: Metrics) -> None:
    written = json.dumps(encode(metrics), allow_nan=False)
    read = decode(Metrics, json.loads(written))
    assert encode(read) == encode(metrics)
    assert read.minimum == metrics.minimum
    assert read.worst_index == metrics.worst_index
    if metrics.worst_got is not None and math.isfinite(metrics.worst_got):
        assert read.worst_got == metrics.worst_got


@given(st.text())
def test_any_text_survives_as_json(text: str) -> None:
    report = replace(equivalent_report(), cases=(), inputs=(), models=(), command=text)
    assert parse_json(render_json(report).encode()).command.encode() == text.encode("utf-8", "backslashreplace")
