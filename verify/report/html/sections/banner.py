"""The head of the page: the verdict, in one word and one sentence, and the figures behind it."""

from __future__ import annotations

from verify.report.document import CaseVerdict, Output, Report
from verify.report.figures import count_figure, plural, probability_figure, share_figure, tolerance_used
from verify.report.html.markup import Markup, joined, tag
from verify.report.html.verdict_sign import CROSS, EXCLAMATION_MARK, TICK, verdict_sign
from verify.report.sentences import summary

_WORDS = {CaseVerdict.EQUIVALENT: "Equivalent", CaseVerdict.DIFFERENT: "Not equivalent", CaseVerdict.ERROR: "Not established"}
_SIGNS = {
    CaseVerdict.EQUIVALENT: TICK,
    CaseVerdict.DIFFERENT: CROSS,
    CaseVerdict.ERROR: EXCLAMATION_MARK,
}


def banner(report: Report) -> Markup:
    """Verdict, summary and key figures. Each figure says what it counts."""
    sign = verdict_sign(_SIGNS[report.verdict])
    words = tag("div", tag("h1", _WORDS[report.verdict]), tag("p", summary(report), class_="lead"), _arises(report))
    names = list(dict.fromkeys(model.name for model in report.models))
    subject = " → ".join(names) if len(names) <= 2 else plural(len(report.models), "model")
    eyebrow = tag("p", "Equivalence report", *([" · ", tag("b", subject)] if subject else []), class_="eyebrow")
    verdict = tag("div", sign, words, class_=f"verdict {report.verdict.value}", role="status")
    return tag("header", eyebrow, verdict, tag("dl", *_tiles(report), class_="tiles"))


def _arises(report: Report) -> Markup | None:
    """Where the first difference arises, with the way there."""
    found = [(bisection.case, layer) for bisection in report.bisections if (layer := bisection.culprit) is not None]
    if not found:
        return None
    case, layer = found[0]
    link = tag("a", f"{layer.operator} {layer.node}", href="#divergence")
    return tag("p", f"In {case} it arises at ", link, ".", class_="arises")


def _tiles(report: Report) -> list[Markup]:
    outputs = [output for case in report.cases for output in case.outputs]
    held = sum(case.holds for case in report.cases)
    runs = len(report.cases)
    tiles = [
        _tile("Runs that hold", f"{count_figure(held)} of {count_figure(runs)}", "a case on a backend", good=held == runs > 0),
        _tile(
            "Outputs that hold",
            f"{count_figure(sum(output.holds for output in outputs))} of {count_figure(len(outputs))}",
            "every element compared",
            good=all(output.holds for output in outputs),
        ),
    ]
    return [*tiles, *_accuracy_tiles(report, outputs)]


def _accuracy_tiles(report: Report, outputs: list[Output]) -> list[Markup]:
    tiles = []
    if used := [share for output in outputs if (share := tolerance_used(output)) is not None]:
        tiles.append(
            _tile(
                "Tolerance needed",
                share_figure(max(used)),
                "by the worst output",
                good=max(used) <= 1 or (None if report.holds else False),
            )
        )
    agreements = [output.agreement for output in outputs if output.agreement is not None]
    if agreements:
        flips, samples = sum(each.argmax_flips for each in agreements), sum(each.samples for each in agreements)
        largest = max(agreements, key=lambda each: each.samples)
        bound = f"rate below {probability_figure(largest.flip_rate_upper)} in the largest case"
        explained = sum(each.unexplained_flips for each in agreements) == 0
        tiles.append(_tile("Decisions that flip", f"{count_figure(flips)} of {count_figure(samples)}", bound, good=explained))
    if report.waivers:
        applied = sum(waiver.applied for waiver in report.waivers)
        tiles.append(_tile("Waivers", f"{count_figure(applied)} applied", f"of {count_figure(len(report.waivers))}", good=None))
    return tiles


def _tile(title: str, figure: str, detail: str, *, good: bool | None) -> Markup:
    mark = {True: "good", False: "bad", None: "note"}[good]
    body = joined(tag("dd", figure, class_="figure"), tag("dd", detail, class_="detail"))
    return tag("div", tag("dt", title), body, class_=f"tile {mark}")
