"""The sentences of a report."""

import math
from dataclasses import replace

from tests.verify.report.sample_reports import different_report, equivalent_report
from verify.report.document import Output, OutputVerdict
from verify.report.sentences import findings, output_line, summary


def _differing() -> Output:
    return next(finding.output for finding in findings(different_report()) if finding.output is not None)


def test_a_difference_is_one_line_with_place_bound_and_values() -> None:
    line = output_line(_differing())
    assert line == "z: abs err 3.1e-2 > 5.1e-4 at (0, 7); got 0.4669, recorded 0.4978; 212 of 1,736 values differ"


def test_nan_on_one_side_has_no_bound() -> None:
    output = _differing()
    assert output.metrics is not None
    metrics = replace(output.metrics, nan_mismatches=3, minimum=None, worst_got=math.nan)
    line = output_line(replace(output, metrics=metrics))
    assert line == "z: 3 NaN on one side alone at (0, 7); got nan, recorded 0.4978; 212 of 1,736 values differ"


def test_a_type_that_differs_is_told_by_its_reason() -> None:
    output = replace(_differing(), metrics=None, reason="type int64, recorded float32")
    assert output_line(output) == "z: type int64, recorded float32"


def test_an_output_on_one_side_alone() -> None:
    output = replace(_differing(), metrics=None)
    assert output_line(replace(output, verdict=OutputVerdict.MISSING)) == "z: recorded, and the model has no such output"
    assert "no value" in output_line(replace(output, verdict=OutputVerdict.UNRECORDED))


def test_a_name_cannot_start_another_line() -> None:
    assert "\n" not in output_line(replace(_differing(), name="z\nfake: agrees"))


def test_the_summary_counts_what_does_not_hold() -> None:
    assert summary(different_report()) == (
        "1 of 17 outputs does not agree, 1 case came to nothing: 8 cases on onnxruntime-cpu, torch-cpu."
    )
    assert summary(equivalent_report()).startswith("All 18 outputs agree with what was recorded, 2 of them under a waiver")
    assert summary(replace(equivalent_report(), cases=())) == "No case was checked, which shows nothing."


def test_everything_that_does_not_hold_is_found_once() -> None:
    found = [(finding.case.case, finding.output is None) for finding in findings(different_report())]
    assert found == [("resnet20", False), ("wide_and_deep", True)]
    assert list(findings(equivalent_report())) == []
