"""The head of the page: the verdict, in one word and one sentence, and the figures behind it."""

from __future__ import annotations

from verify.report.figures import plural, probability_figure
from verify.report.html.markup import Markup, joined, tag
from verify.report.html.verdict_sign import CROSS, EXCLAMATION_MARK, TICK, verdict_sign
from verify.robustness.document import CheckStatus, RobustnessReport, ThreatResult, Verdict
from verify.robustness.report.sentences import TITLES, fault_line, faults, share_text, summary, upper_text

_SIGNS = {
    Verdict.PASS: TICK,
    Verdict.FAIL: CROSS,
    Verdict.UNRELIABLE: EXCLAMATION_MARK,
    Verdict.ERROR: EXCLAMATION_MARK,
}


def banner(report: RobustnessReport) -> Markup:
    """Verdict, summary, what is amiss, and key figures: a row of them for each threat."""
    sign = verdict_sign(_SIGNS[report.verdict])
    amiss = [tag("p", fault_line(result, fault), class_="arises") for result, fault in faults(report)]
    words = tag("div", tag("h1", TITLES[report.verdict]), tag("p", summary(report), class_="lead"), *amiss)
    names = " → ".join(dict.fromkeys(model.name for model in report.models))
    eyebrow = tag("p", f"Robustness report, {report.tier} tier", *([" · ", tag("b", names)] if names else []), class_="eyebrow")
    verdict = tag("div", sign, words, class_=f"verdict {report.verdict.value}", role="status")
    rows = [_tiles(result) for result in report.results] or [[]]
    rows[0][1:1] = _accuracy(report)
    return tag("header", eyebrow, verdict, *(tag("dl", *tiles, class_="tiles") for tiles in rows))


def _accuracy(report: RobustnessReport) -> list[Markup]:
    served = next((side for side in report.sides if side.role == "served"), None)
    if served is None:
        return []
    told = share_text(served.accuracy)
    if report.data is not None and report.data.steps:
        told = f"of sequences; {served.steps_right} of {report.data.steps} steps"
    return [_tile("Accuracy as it is", probability_figure(served.accuracy.rate), told)]


def _tiles(result: ThreatResult) -> list[Markup]:
    threat = result.threat
    tokens = threat.norm == "tokens"
    told = "replaced by others" if tokens else f"{threat.norm}, within {threat.low:.4g} to {threat.high:.4g}"
    tiles = [_tile("Tokens that may change" if tokens else "Input may move by", f"{threat.epsilon:.4g}", told)]
    if result.worst is not None:
        tiles.append(
            _tile("Withstand everything", f"{result.worst.count} of {result.worst.total}", f"at 95 % {upper_text(result.worst)}")
        )
    if result.distances is not None:
        tiles.append(_tile("Smallest change", f"{result.distances.median:.3g}", "median of the samples that broke"))
    if result.checks:
        raised = sum(check.status is CheckStatus.RAISED for check in result.checks)
        tiles.append(_tile("Signs of masking", f"{raised} of {len(result.checks)}", "looked for", bad=raised > 0))
    if result.parity is not None:
        told = plural(result.parity.flips.count, "sample") + " decided differently"
        tiles.append(_tile("Conversion parity", "holds" if result.parity.holds else "broken", told, bad=not result.parity.holds))
    return tiles


def _tile(title: str, figure: str, detail: str, *, bad: bool = False) -> Markup:
    body = joined(tag("dd", figure, class_="figure"), tag("dd", detail, class_="detail"))
    return tag("div", tag("dt", title), body, class_="tile bad" if bad else "tile")
