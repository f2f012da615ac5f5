"""An equivalence report as a table for a terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from verify.equivalence.report import CaseReport, EquivalenceReport, OutputReport, Verdict


def equivalence_table(report: EquivalenceReport) -> Table:
    """One row per output: its greatest differences, what was allowed, and the narrowest tolerance that would pass."""
    table = Table(title="Equivalence with CNTK", title_justify="left")
    for heading in ("case", "output", "type"):
        table.add_column(heading, overflow="fold")
    for heading in ("max abs err", "max rel err", "allowed", "would pass at", "mismatches"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for case in report.cases:
        if case.error or not case.outputs:
            table.add_row(case.case, "", "", "", "", "", "", "", _case_verdict(case))
        for output in case.outputs:
            table.add_row(case.case, output.name, output.dtype, *_figures(output), _verdict(output.verdict))
    return table


def findings(report: EquivalenceReport) -> list[str]:
    """A sentence for everything in the report that does not hold, and one for the whole."""
    sentences = [f"{case.case}: {case.error}" for case in report.cases if case.error]
    sentences += [
        f"{case.case}: {output.name}: {output.reason}"
        for case in report.cases
        for output in case.outputs
        if output.verdict is not Verdict.AGREES
    ]
    held = sum(case.holds for case in report.cases)
    backends = ", ".join(sorted({case.backend for case in report.cases}))
    return [*sentences, f"{held} of {len(report.cases)} cases hold on {backends}"]


def _figures(output: OutputReport) -> tuple[str, str, str, str, str]:
    comparison = output.comparison
    if comparison is None or comparison.problem is not None or output.tolerance is None:
        return "", "", "" if output.tolerance is None else str(output.tolerance), "", ""
    minimum = output.minimum
    return (
        f"{comparison.max_abs:.2e}",
        f"{comparison.max_rel:.2e}",
        str(output.tolerance),
        "none" if minimum is None else str(minimum),
        f"{comparison.mismatches} of {comparison.elements}",
    )


def _verdict(verdict: Verdict) -> Text:
    return Text(verdict.value, style="green" if verdict is Verdict.AGREES else "bold red")


def _case_verdict(case: CaseReport) -> Text:
    return Text(case.note or "agrees", style="green") if case.holds else _verdict(Verdict.FAILED)
