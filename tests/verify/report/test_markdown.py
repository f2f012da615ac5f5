"""Markdown for the summary of a CI run."""

import re
from dataclasses import replace

from tests.verify.report.sample_reports import HOSTILE, different_report, equivalent_report, hostile_report
from verify.report.markdown import MOST_BYTES, render_markdown


def test_the_verdict_comes_first() -> None:
    assert render_markdown(equivalent_report()).startswith("## ✅ Equivalent\n\nAll 18 outputs agree")
    assert render_markdown(different_report()).startswith("## ❌ Different\n\n1 of 17 outputs does not agree")
    assert render_markdown(replace(equivalent_report(), cases=())).startswith("## ⚠️ Not checked in full")


def test_what_fails_stands_before_what_holds() -> None:
    text = render_markdown(different_report())
    assert (
        text.index("First divergence")
        < text.index("What does not hold")
        < text.index("Waivers")
        < text.index("failing ones first")
    )
    table = text[text.index("failing ones first") :]
    assert table.index("resnet20") < table.index("wide") < table.index("digits")
    assert "BatchNormalization Block247, abs err 2.4e-2 where 1.0e-5 is allowed" in text
    assert "rtol 6.1e-2, atol 6.1e-4" in text


def test_rows_have_as_many_cells_as_their_heads() -> None:
    for report in (equivalent_report(), different_report(), hostile_report()):
        width = 0
        for line in render_markdown(report).split("\n"):
            if not line.startswith("|"):
                width = 0
                continue
            cells = len(re.findall(r"(?<!\\)\|", line))
            assert width in {0, cells}
            width = cells


def test_names_are_no_markup() -> None:
    text = render_markdown(hostile_report())
    assert "<script" not in text
    assert r"&lt;script&gt;alert(1)&lt;/script&gt;\\x00\\x1b\[31m\\u202e\|\`\*\_&amp;" in text
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)


def test_a_long_report_is_cut_to_what_a_summary_takes() -> None:
    report = different_report()
    failing = next(case for case in report.cases if case.error)
    many = replace(
        report, cases=tuple(replace(failing, case=f"{HOSTILE} {number}", error=HOSTILE * 9) for number in range(1_000))
    )
    text = render_markdown(many)
    assert len(text.encode()) <= MOST_BYTES
    assert "more; report.html has them all" in text
    assert len(render_markdown(many, limit=2_000).encode()) <= 2_000
