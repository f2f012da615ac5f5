"""The report as Markdown for the summary of a CI run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from verify.report.figures import seconds_figure
from verify.report.visible import one_line
from verify.robustness.document import RobustnessReport, ThreatResult, Verdict
from verify.robustness.report.sentences import fault_line, faults, share_text, summary, threat_text, threats_text

_SIGNS = {Verdict.PASS: "✅ Pass", Verdict.FAIL: "❌ Fail", Verdict.UNRELIABLE: "⚠️ Unreliable", Verdict.ERROR: "⚠️ No result"}
# What Markdown or the HTML in it would take for markup. A backslash before each of them is shown as the character itself.
_MARKUP = re.compile(r"([\\`*_{}\[\]#|~@$<>]|:(?=\w))")


def render_markdown(report: RobustnessReport) -> str:
    """The text."""
    parts = [f"## Robustness: {_SIGNS[report.verdict]}", _escaped(summary(report))]
    if found := [f"- {_escaped(fault_line(result, fault))}" for result, fault in faults(report)]:
        parts.append("\n".join(found))
    seeds = ", ".join(f"{name} {seed}" for name, seed in report.seeds.items())
    parts.append(_escaped(f"Threat: {threats_text(report)}; tier {report.tier}; seeds {seeds}."))
    for result in report.results:
        parts += _result(result)
    return "\n\n".join(parts) + "\n"


def _result(result: ThreatResult) -> Iterator[str]:
    """What became of one threat."""
    told = _escaped(threat_text(result))
    if result.attacks:
        rows = [
            (each.name, each.kind.value, share_text(each.robust), f"{each.reach:.4g}", seconds_figure(each.seconds))
            for each in result.attacks
        ]
        rows.append(("**worst case**", "all of them", share_text(result.worst), "", ""))
        yield f"### Attacks, {told}"
        yield _table(("attack", "knows", "withstand it", "moved at most", "time"), rows)
    if result.checks:
        signs = [(check.name, check.status.value, check.detail) for check in result.checks]
        yield f"### Signs of masking, {told}"
        yield _table(("sign", "status", "seen"), signs)
    if result.parity is not None:
        parity = result.parity
        figures = (
            f"Twin {share_text(parity.twin_robust)}, served {share_text(parity.served_robust)}; "
            f"{parity.transferred.count} of {parity.transferred.total} examples transfer; "
            f"{parity.flips.count} of {parity.flips.total} samples are decided differently, {parity.ties} near ties."
        )
        yield f"### Conversion parity, {told}"
        yield _escaped(figures)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(titles) + " |", "|" + " --- |" * len(titles)]
    lines += ["| " + " | ".join(cell if cell.startswith("**") else _escaped(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", one_line(text, 1000))
