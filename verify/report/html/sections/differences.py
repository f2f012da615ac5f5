"""What does not hold, one card each."""

from __future__ import annotations

from verify.report.document import Output, Report
from verify.report.figures import error_figure, shape_figure, share_figure, tolerance_figure, tolerance_used, value_figure
from verify.report.html.markup import Markup, joined, lines, tag
from verify.report.html.table import badge
from verify.report.sentences import Finding, findings

MOST_CARDS = 200


def differences(report: Report) -> Markup | None:
    """Every finding with its figures, and with the narrowest tolerance that would pass."""
    found = list(findings(report))
    if not found:
        return None
    cards = [_card(finding) for finding in found[:MOST_CARDS]]
    rest = len(found) - len(cards)
    more = tag("p", f"… and {rest} more, in the table of runs below.", class_="muted") if rest > 0 else None
    return joined(*cards, more)


def _card(finding: Finding) -> Markup:
    verdict = finding.output.verdict.value if finding.output is not None else "error"
    where = tag("span", finding.case.backend or "before any backend", class_="chip")
    heading = tag("h3", finding.case.case, " ", where, " ", badge(verdict))
    if finding.output is None:
        return tag("article", heading, tag("p", lines(finding.case.error), class_="line"), class_="card finding")
    return tag("article", heading, tag("p", finding.line, class_="line"), _figures(finding.output), class_="card finding")


def _figures(output: Output) -> Markup | None:
    metrics = output.metrics
    if metrics is None:
        return None
    referee = output.referee
    pairs = [
        ("type and shape", f"{output.dtype} {shape_figure(output.shape)}"),
        ("allowed", tolerance_figure(output.tolerance)),
        ("needed", share_figure(tolerance_used(output))),
        ("would pass at", "no tolerance" if metrics.minimum is None else tolerance_figure(metrics.minimum)),
        ("max abs, max rel", f"{error_figure(metrics.max_abs)}, {error_figure(metrics.max_rel)}"),
        ("got, recorded", f"{value_figure(metrics.worst_got)}, {value_figure(metrics.worst_recorded)}"),
    ]
    if referee is not None:
        told = f"{referee.nearer.value} ({error_figure(referee.our_error)} beside {error_figure(referee.reference_error)})"
        pairs.append(("nearer to float64", told))
    if output.tolerance is not None and output.tolerance.why:
        pairs.append(("why this tolerance", output.tolerance.why))
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs), class_="pairs")
