"""The report as Markdown for the summary of a CI run: what fails first, in short tables.

GitHub takes 1 MiB. Tables are cut to so many rows that the text stays below, and say how many are left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from verify.report.document import CaseVerdict, Report
from verify.report.figures import error_figure, plural, seconds_figure, share_figure, tolerance_figure, tolerance_used
from verify.report.sentences import findings, summary
from verify.report.visible import one_line

MOST_BYTES = 1 << 20
_ROWS = (200, 50, 10, 2)
_TITLES = {
    CaseVerdict.EQUIVALENT: "✅ Equivalent",
    CaseVerdict.DIFFERENT: "❌ Different",
    CaseVerdict.ERROR: "⚠️ Not checked in full",
}
# What Markdown or the HTML in it would take for markup. A backslash before each of them is shown as the character itself.
_MARKUP = re.compile(r"([\\`*_{}\[\]#|~@$]|:(?=\w))")


def render_markdown(report: Report, limit: int = MOST_BYTES) -> str:
    """The text, of at most ``limit`` bytes in UTF-8."""
    for rows in _ROWS:
        text = _render(report, rows)
        if len(text.encode()) <= limit:
            return text
    return f"## {_TITLES[report.verdict]}\n\n{_escaped(summary(report))}\n"


def _render(report: Report, rows: int) -> str:
    parts = [f"## {_TITLES[report.verdict]}", _escaped(summary(report))]
    parts += [*_divergences(report, rows), *_failures(report, rows), *_determinism(report, rows), *_waivers(report, rows)]
    parts += [*_cases(report, rows), *_provenance(report, rows)]
    return "\n\n".join(parts) + "\n"


def _divergences(report: Report, rows: int) -> list[str]:
    found = [(bisection, layer) for bisection in report.bisections if (layer := bisection.culprit) is not None]
    lines = [
        f"- **First divergence** in {_escaped(bisection.case)} on {_escaped(bisection.backend)}: "
        f"{_escaped(layer.operator)} {_escaped(layer.node)}, abs err {error_figure(layer.forced_max_abs)} "
        f"where {error_figure(layer.allowed)} is allowed"
        for bisection, layer in found[:rows]
    ]
    return ["\n".join(lines)] if lines else []


def _failures(report: Report, rows: int) -> list[str]:
    failed = list(findings(report))
    if not failed:
        return []
    cells = [
        (
            finding.case.case,
            finding.case.backend,
            finding.line,
            tolerance_figure(finding.output.metrics.minimum) if finding.output and finding.output.metrics else "–",
        )
        for finding in failed[:rows]
    ]
    return ["### What does not hold", _table(("case", "backend", "finding", "would pass at"), cells, len(failed))]


def _determinism(report: Report, rows: int) -> list[str]:
    failed = [check for check in report.determinism if not check.holds]
    cells = [(check.check, check.backend, error_figure(check.max_abs), check.detail) for check in failed[:rows]]
    return ["### Not deterministic", _table(("check", "backend", "max abs", "detail"), cells, len(failed))] if failed else []


def _waivers(report: Report, rows: int) -> list[str]:
    cells = [
        (waiver.case, waiver.output, f"rtol {waiver.rtol:g}, atol {waiver.atol:g}", waiver.expires, waiver.reason)
        for waiver in report.waivers[:rows]
    ]
    if not cells:
        return []
    return ["### Waivers", _table(("case", "output", "tolerance", "expires", "reason"), cells, len(report.waivers))]


def _cases(report: Report, rows: int) -> list[str]:
    ordered = sorted(report.cases, key=lambda case: case.holds)
    cells = []
    for case in ordered[:rows]:
        used = [share for output in case.outputs if (share := tolerance_used(output)) is not None]
        worst = share_figure(max(used)) if used else "–"
        cells.append((case.case, case.backend, case.verdict.value, str(len(case.outputs)), worst, seconds_figure(case.seconds)))
    if not cells:
        return []
    heads = ("case", "backend", "verdict", "outputs", "of the tolerance", "time")
    title = f"<details><summary>{plural(len(report.cases), 'run')}, failing ones first</summary>"
    return [title, _table(heads, cells, len(report.cases), right=3), "</details>"]


def _provenance(report: Report, rows: int) -> list[str]:
    cells = [(f"{model.role} model {model.name}", model.format, model.sha256) for model in report.models[:rows]]
    cells += [(f"backend {backend.name}", backend.device, backend.version) for backend in report.backends[:rows]]
    cells += [(f"seed {name}", "", str(value)) for name, value in list(report.seeds.items())[:rows]]
    cells.append((report.tool.name, report.created, report.tool.version))
    if report.command:
        cells.append(("command", "", report.command))
    return ["<details><summary>Provenance</summary>", _table(("what", "", "digest or version"), cells, len(cells)), "</details>"]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], total: int, right: int | None = None) -> str:
    """``right`` is the first column whose cells stand at the right."""
    rule = ["---:" if right is not None and column >= right else "---" for column in range(len(heads))]
    lines = [heads, rule, *([_escaped(cell) for cell in row] for row in rows)]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    left_out = total - len(rows)
    return f"{text}\n\n… and {left_out} more; report.html has them all." if left_out > 0 else text


def _escaped(text: str) -> str:
    """One line in which nothing is markup: names come from files that nobody vouches for."""
    plain = one_line(text, 240).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub(r"\\\1", plain)
