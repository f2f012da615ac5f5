"""An equivalence report as a table for a terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from verify.report.document import (
    Allowed,
    Bisection,
    Case,
    CaseVerdict,
    DeterminismVerdict,
    Minimum,
    Output,
    OutputVerdict,
    Report,
)

_GOOD = {OutputVerdict.AGREES: "green", OutputVerdict.WAIVED: "yellow"}
_STEADY = {DeterminismVerdict.IDENTICAL: "green", DeterminismVerdict.AGREES: "green", DeterminismVerdict.SKIPPED: "yellow"}


def equivalence_table(report: Report) -> Table:
    """One row per output: its greatest differences, what was allowed, and the narrowest tolerance that would pass."""
    table = Table(title="Equivalence with CNTK", title_justify="left")
    several = len({case.backend for case in report.cases}) > 1
    for heading in ("case", "backend", "output", "type") if several else ("case", "output", "type"):
        table.add_column(heading, overflow="fold")
    for heading in ("max abs err", "max rel err", "allowed", "would pass at", "mismatches"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for case in report.cases:
        front = (case.case, case.backend) if several else (case.case,)
        if case.error or not case.outputs:
            table.add_row(*front, *[""] * 7, _case_verdict(case))
        for output in case.outputs:
            # Beside a column of backends there is no room for the words.
            table.add_row(*front, output.name, output.dtype, *_figures(output, brief=several), _verdict(output))
    return table


def determinism_table(report: Report) -> Table:
    """One row per check that something which should not matter does not."""
    table = Table(title="Determinism", title_justify="left")
    for heading in ("backend", "check"):
        table.add_column(heading)
    table.add_column("max abs diff", justify="right")
    table.add_column("verdict")
    table.add_column("detail", overflow="fold")
    for check in report.determinism:
        greatest = "" if check.max_abs is None else f"{check.max_abs:.2e}"
        verdict = Text(check.verdict.value, style=_STEADY.get(check.verdict, "bold red"))
        table.add_row(check.backend, check.check, greatest, verdict, check.detail)
    return table


def findings(report: Report) -> list[str]:
    """A sentence for everything in the report that does not hold or is waived, and one for the whole."""
    sentences = [f"{case.case}: {case.error}" for case in report.cases if case.error]
    sentences += [
        f"{case.case}: {output.name}: {_sentence(output)}"
        for case in report.cases
        for output in case.outputs
        if output.verdict is not OutputVerdict.AGREES
    ]
    # Of a case without outputs, the table has the note for a verdict.
    sentences += [f"{case.case}: {case.note}" for case in report.cases if case.note and case.outputs]
    sentences += [_divergence(found) for found in report.bisections]
    sentences += [f"{check.backend}: {check.check}: {check.detail}" for check in report.determinism if not check.holds]
    held = sum(case.holds for case in report.cases)
    backends = ", ".join(sorted({case.backend for case in report.cases if case.backend}))
    return [*sentences, f"{held} of {len(report.cases)} cases hold on {backends}"]


def _divergence(found: Bisection) -> str:
    culprit = found.culprit
    if culprit is None:
        return f"{found.case}: no operator differs by itself; the difference adds up over {len(found.layers)} layers"
    shown = "" if found.reproduction is None else f"; {found.reproduction.script} shows it"
    return f"{found.case}: the first operator that differs is {culprit.operator}, {culprit.node}{shown}"


def _sentence(output: Output) -> str:
    if output.waiver is None:
        return output.reason
    return f"{output.reason}; waived until {output.waiver.expires}: {output.waiver.reason}"


def _figures(output: Output, *, brief: bool) -> tuple[str, str, str, str, str]:
    allowed = _tolerance(output.tolerance, brief=brief)
    metrics = output.metrics
    if metrics is None:
        return "", "", allowed, "", ""
    minimum = "none" if metrics.minimum is None else _tolerance(metrics.minimum, brief=brief)
    return (
        f"{metrics.max_abs:.2e}",
        f"{metrics.max_rel:.2e}",
        allowed,
        minimum,
        f"{metrics.mismatches} of {metrics.elements}",
    )


def _tolerance(tolerance: Allowed | Minimum | None, *, brief: bool) -> str:
    if tolerance is None:
        return ""
    if brief:
        return f"{tolerance.rtol:.0e} {tolerance.atol:.0e}"
    return f"rtol {tolerance.rtol:.1e} atol {tolerance.atol:.1e}"


def _verdict(output: Output) -> Text:
    return Text(output.verdict.value, style=_GOOD.get(output.verdict, "bold red"))


def _case_verdict(case: Case) -> Text:
    if case.verdict is CaseVerdict.ERROR:
        return Text("failed", style="bold red")
    return Text(case.note or "agrees", style="green")
