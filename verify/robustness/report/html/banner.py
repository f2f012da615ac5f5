"""The head of the page: the verdict, in one word and one sentence, and the figures behind it."""

from __future__ import annotations

from verify.report.figures import plural, probability_figure
from verify.report.html.markup import Markup, joined, tag
from verify.report.html.verdict_sign import CROSS, EXCLAMATION_MARK, TICK, verdict_sign
from verify.robustness.document import CheckStatus, RobustnessReport, Verdict
from verify.robustness.report.sentences import TITLES, fault_line, faults, share_text, summary, upper_text

_SIGNS = {
    Verdict.PASS: TICK,
    Verdict.FAIL: CROSS,
    Verdict.UNRELIABLE: EXCLAMATION_MARK,
    Verdict.ERROR: EXCLAMATION_MARK,
}


def banner(report: RobustnessReport) -> Markup:
    """Verdict, summary, what is amiss, and key figures."""
    sign = verdict_sign(_SIGNS[report.verdict])
    amiss = [tag("p", fault_line(fault), class_="arises") for fault in faults(report)]
    words = tag("div", tag("h1", TITLES[report.verdict]), tag("p", summary(report), class_="lead"), *amiss)
    names = " → ".join(dict.fromkeys(model.name for model in report.models))
    eyebrow = tag("p", f"Robustness report, {report.tier} tier", *([" · ", tag("b", names)] if names else []), class_="eyebrow")
    verdict = tag("div", sign, words, class_=f"verdict {report.verdict.value}", role="status")
    return tag("header", eyebrow, verdict, tag("dl", *_tiles(report), class_="tiles"))


def _tiles(report: RobustnessReport) -> list[Markup]:
    threat = report.threat
    tokens = threat.norm == "tokens"
    told = "replaced by others" if tokens else f"{threat.norm}, within {threat.low:.4g} to {threat.high:.4g}"
    tiles = [_tile("Tokens that may change" if tokens else "Input may move by", f"{threat.epsilon:.4g}", told)]
    served = next((side for side in report.sides if side.role == "served"), None)
    if served is not None:
        tiles.append(_tile("Accuracy as it is", probability_figure(served.accuracy.rate), share_text(served.accuracy)))
    if report.worst is not None:
        tiles.append(
            _tile("Withstand everything", f"{report.worst.count} of {report.worst.total}", f"at 95 % {upper_text(report.worst)}")
        )
    if report.distances is not None:
        tiles.append(_tile("Smallest change", f"{report.distances.median:.3g}", "median of the samples that broke"))
    if report.checks:
        raised = sum(check.status is CheckStatus.RAISED for check in report.checks)
        tiles.append(_tile("Signs of masking", f"{raised} of {len(report.checks)}", "looked for", bad=raised > 0))
    if report.parity is not None:
        told = plural(report.parity.flips.count, "sample") + " decided differently"
        tiles.append(_tile("Conversion parity", "holds" if report.parity.holds else "broken", told, bad=not report.parity.holds))
    return tiles


def _tile(title: str, figure: str, detail: str, *, bad: bool = False) -> Markup:
    body = joined(tag("dd", figure, class_="figure"), tag("dd", detail, class_="detail"))
    return tag("div", tag("dt", title), body, class_="tile bad" if bad else "tile")
