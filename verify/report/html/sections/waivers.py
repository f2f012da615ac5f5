"""Tolerances that somebody answers for, with the day on which they end."""

from __future__ import annotations

from datetime import date

from verify.report.document import Report, Waiver
from verify.report.figures import error_figure, plural
from verify.report.html.markup import Markup
from verify.report.html.table import Column, Row, table

_COLUMNS = (
    Column("case"),
    Column("output"),
    Column("rtol", "figure"),
    Column("atol", "figure"),
    Column("expires"),
    Column("applied"),
    Column("reason", "prose"),
)
SOON = 30  # days


def waivers(report: Report) -> Markup | None:
    """The table of waivers; one that has expired, or soon does, says so."""
    if not report.waivers:
        return None
    rows = [
        Row(
            (
                waiver.case,
                waiver.output,
                error_figure(waiver.rtol),
                error_figure(waiver.atol),
                _expiry(waiver, report.created),
                "yes" if waiver.applied else "no, not needed",
                waiver.reason,
            )
        )
        for waiver in report.waivers
    ]
    return table("Waivers", _COLUMNS, rows)


def _expiry(waiver: Waiver, created: str) -> str:
    try:
        left = (date.fromisoformat(waiver.expires) - date.fromisoformat(created[:10])).days
    except ValueError:
        return waiver.expires
    if left < 0:
        return f"{waiver.expires} (expired)"
    return f"{waiver.expires} (in {plural(left, 'day')})" if left <= SOON else waiver.expires
