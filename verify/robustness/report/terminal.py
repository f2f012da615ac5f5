"""The report as tables for a terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from verify.report.visible import one_line
from verify.robustness.document import CheckStatus, RobustnessReport, Verdict
from verify.robustness.report.sentences import share_text, summary

_STYLES = {CheckStatus.CLEAR: "green", CheckStatus.NOTED: "yellow", CheckStatus.RAISED: "bold red", CheckStatus.SKIPPED: "dim"}
_VERDICTS = {Verdict.PASS: "bold green", Verdict.UNRELIABLE: "bold yellow"}


def attack_table(report: RobustnessReport) -> Table:
    """One row for each attack, and the worst case of all."""
    table = Table(title="Robustness", title_justify="left")
    for heading in ("attack", "knows"):
        table.add_column(heading, overflow="fold")
    for heading in ("withstand it", "moved at most", "smallest, median", "queries, median", "seconds"):
        table.add_column(heading, justify="right")
    for attack in report.attacks:
        table.add_row(
            Text(one_line(attack.name, 60)),
            attack.kind.value,
            share_text(attack.robust),
            f"{attack.reach:.4g}",
            "–" if attack.distances is None else f"{attack.distances.median:.4g}",
            "–" if attack.queries is None else f"{attack.queries.median:g}",
            f"{attack.seconds:.1f}",
        )
    median = "–" if report.distances is None else f"{report.distances.median:.4g}"
    table.add_row("worst case", "all", share_text(report.worst), "", median, "", f"{report.seconds:.1f}", style="bold")
    return table


def check_table(report: RobustnessReport) -> Table:
    """One row for each sign of masking."""
    table = Table(title="Signs of masking", title_justify="left")
    for heading in ("sign", "", "seen"):
        table.add_column(heading, overflow="fold")
    for check in report.checks:
        table.add_row(check.name, Text(check.status.value, style=_STYLES[check.status]), Text(one_line(check.detail)))
    return table


def verdict_text(report: RobustnessReport) -> Text:
    """The verdict and what it means."""
    style = _VERDICTS.get(report.verdict, "bold red")
    return Text.assemble((report.verdict.value.upper(), style), f": {one_line(summary(report), 1000)}")
