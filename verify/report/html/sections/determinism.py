"""Whether changes that should not matter do not matter."""

from __future__ import annotations

from verify.report.document import Report
from verify.report.figures import error_figure
from verify.report.html.markup import Markup
from verify.report.html.table import Column, Row, badge, table

_COLUMNS = (Column("check"), Column("backend"), Column("max abs", "figure"), Column("verdict"), Column("detail", "prose"))


def determinism(report: Report) -> Markup | None:
    """The table of checks."""
    if not report.determinism:
        return None
    rows = [
        Row(
            (check.check, check.backend, error_figure(check.max_abs), badge(check.verdict.value), check.detail),
            None if check.holds else "bad",
        )
        for check in report.determinism
    ]
    return table("Determinism checks", _COLUMNS, rows)
