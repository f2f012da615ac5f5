"""The report as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from verify.report.visible import one_line
from verify.robustness.document import CheckStatus, RobustnessReport, ThreatResult, Verdict
from verify.robustness.report.sentences import share_text, summary, threat_text

_STYLES = {CheckStatus.CLEAR: "green", CheckStatus.NOTED: "yellow", CheckStatus.RAISED: "bold red", CheckStatus.SKIPPED: "dim"}
_VERDICTS = {Verdict.PASS: "bold green", Verdict.UNRELIABLE: "bold yellow"}


def tables(report: RobustnessReport) -> Iterator[Table]:
    """The attacks and the signs of masking of every threat."""
    for result in report.results:
        if result.attacks:
            yield attack_table(result)
            yield check_table(result)


def attack_table(result: ThreatResult) -> Table:
    """One row for each attack, and the worst case of all."""
    table = Table(title=f"Robustness, {threat_text(result)}", title_justify="left")
    for heading in ("attack", "knows"):
        table.add_column(heading, overflow="fold")
    for heading in ("withstand it", "moved at most", "smallest, median", "queries, median", "seconds"):
        table.add_column(heading, justify="right")
    for attack in result.attacks:
        table.add_row(
            Text(one_line(attack.name, 60)),
            attack.kind.value,
            share_text(attack.robust),
            f"{attack.reach:.4g}",
            "–" if attack.distances is None else f"{attack.distances.median:.4g}",
            "–" if attack.queries is None else f"{attack.queries.median:g}",
            f"{attack.seconds:.1f}",
        )
    median = "–" if result.distances is None else f"{result.distances.median:.4g}"
    table.add_row("worst case", "all", share_text(result.worst), "", median, "", f"{result.seconds:.1f}", style="bold")
    return table


def check_table(result: ThreatResult) -> Table:
    """One row for each sign of masking."""
    table = Table(title=f"Signs of masking, {threat_text(result)}", title_justify="left")
    for heading in ("sign", "", "seen"):
        table.add_column(heading, overflow="fold")
    for check in result.checks:
        table.add_row(check.name, Text(check.status.value, style=_STYLES[check.status]), Text(one_line(check.detail)))
    return table


def verdict_text(report: RobustnessReport) -> Text:
    """The verdict and what it means."""
    style = _VERDICTS.get(report.verdict, "bold red")
    return Text.assemble((report.verdict.value.upper(), style), f": {one_line(summary(report), 1000)}")
