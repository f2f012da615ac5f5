"""The page about certificates: certified accuracy against the radius, one line for each noise, and what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from bridge.harden.smoothing.summary import Certification, CertificationReport
from bridge.version import __version__
from verify.report.figures import plural
from verify.report.html.markup import Markup, joined, tag
from verify.report.html.page import page
from verify.report.html.plots.svg import dot, figure, percent
from verify.report.html.table import Column, Row, table
from verify.robustness.report.sentences import share_text

_HEIGHT: Final = 290.0
_TOP: Final = 12.0
_BOTTOM: Final = 250.0
_LINES: Final = 4
"""Lines that the style sheet tells apart; further ones begin again."""

_PROMISE: Final = (
    "A certificate is for one sample: within its radius, in the Euclidean norm, the vote under noise cannot change. Each is "
    "wrong with a probability of at most {alpha:g}. It speaks of the vote, not of the network alone."
)


def render_page(report: CertificationReport, model: str) -> str:
    """The page about ``report``: no script, and nothing that would be fetched."""
    first = report.first
    votes = f"{first.smoothing.selection} copies choose a class, {first.smoothing.estimation} others bound its probability"
    head = tag(
        "header",
        tag("p", "Certificates by randomised smoothing · ", tag("b", model), class_="eyebrow"),
        tag("h1", "Certified accuracy"),
        tag("p", _PROMISE.format(alpha=first.smoothing.alpha), class_="lead"),
        tag("dl", *_tiles(report, votes), class_="tiles"),
    )
    main = tag(
        "main",
        tag("section", tag("h2", "Accuracy against radius"), _curves(report), id="curve"),
        tag("section", tag("h2", "Figures"), _figures(report), id="figures"),
        tag("section", tag("h2", "What it rests on"), _provenance(report), id="provenance"),
    )
    foot = tag("footer", tag("p", f"cntk-bridge {__version__}"))
    style = files("bridge.harden.smoothing").joinpath("certificates.css").read_text("utf-8")
    return page("Certified accuracy", joined(head, main, foot), style)


def _tiles(report: CertificationReport, votes: str) -> list[Markup]:
    best = max(report.certifications, key=lambda each: each.accuracy(0.0))
    cost = sum(each.seconds for each in report.certifications) / sum(len(each.labels) for each in report.certifications)
    sigmas = f"sigma {best.smoothing.sigma:g}"
    return [
        _tile("Certified at radius 0", f"{100 * best.accuracy(0.0):.1f} %", f"{share_text(best.share(0.0))}, {sigmas}"),
        _tile("Abstains", str(best.abstentions), f"of {plural(len(best.labels), 'sample')}, {sigmas}"),
        _tile("Greatest radius", f"{report.greatest:.3f}", "that so many votes can prove: no limit of the model"),
        _tile("Cost", f"{cost:.3g} s", f"for each sample: {votes}"),
    ]


def _tile(title: str, figure_: str, detail: str) -> Markup:
    return tag("div", tag("dt", title), tag("dd", figure_, class_="figure"), tag("dd", detail, class_="detail"), class_="tile")


def _curves(report: CertificationReport) -> Markup:
    told = "; ".join(
        f"sigma {each.smoothing.sigma:g}: {100 * each.accuracy(0.0):.0f} per cent at radius 0, "
        f"{100 * each.accuracy(each.smoothing.ceiling / 2):.0f} per cent at {each.smoothing.ceiling / 2:.3g}"
        for each in report.certifications
    )
    return figure(
        "Share of samples that are certified",
        told,
        tag("div", _labels(), _drawing(report), class_="curve"),
        caption="A sample counts at every radius up to that of its certificate, if the certified class is the true one. A line "
        "ends at the greatest radius that its votes can prove. The bands are Clopper and Pearson's intervals at 95 %.",
        legend=[
            (f"line{number % _LINES}", f"sigma {each.smoothing.sigma:g}") for number, each in enumerate(report.certifications)
        ],
    )


def _height(rate: float) -> float:
    return _BOTTOM - rate * (_BOTTOM - _TOP)


def _drawing(report: CertificationReport) -> Markup:
    """Letters keep their size on a telephone, so that the lines, drawn in parts of a hundred, stand in an image of their own."""
    space = "http://www.w3.org/2000/svg"
    lines = [part for number, each in enumerate(report.certifications) for part in _line(each, number % _LINES, report)]
    shapes = tag(
        "svg", *lines, viewBox=f"0 0 100 {_HEIGHT:g}", preserveAspectRatio="none", width="100%", height=_HEIGHT, xmlns=space
    )
    grid = [tag("line", x1="0", x2="100%", y1=_height(share / 4), y2=_height(share / 4), class_="grid") for share in range(5)]
    dots = [
        dot(
            percent(each.smoothing.ceiling / report.greatest),
            _height(each.accuracy(each.smoothing.ceiling)),
            4,
            f"reach line{number % _LINES}",
            f"radius {each.smoothing.ceiling:.4g}: {share_text(each.share(each.smoothing.ceiling))}",
        )
        for number, each in enumerate(report.certifications)
    ]
    ticks = [_tick(step / 4, report.greatest * step / 4) for step in range(5)]
    return tag("svg", *grid, shapes, *dots, *ticks, class_="canvas", height=_HEIGHT, aria_hidden="true", xmlns=space)


def _line(each: Certification, number: int, report: CertificationReport) -> list[Markup]:
    """The band and the line of one noise, as far as its certificates can reach."""
    radii = [*(radius for radius in report.radii if radius < each.smoothing.ceiling), each.smoothing.ceiling]
    curve = [(100 * radius / report.greatest, share) for radius, share in each.curve(radii)]
    upper = [f"{x:.3f},{_height(share.upper):.2f}" for x, share in curve]
    lower = [f"{x:.3f},{_height(share.lower):.2f}" for x, share in curve]
    middle = [f"{x:.3f},{_height(share.rate):.2f}" for x, share in curve]
    return [
        tag("polygon", points=" ".join([*upper, *reversed(lower)]), class_=f"band line{number}"),
        tag("polyline", points=" ".join(middle), class_=f"line line{number}", vector_effect="non-scaling-stroke"),
    ]


def _tick(place: float, radius: float) -> Markup:
    anchor = "end" if place == 1 else "start" if place == 0 else "middle"
    return tag("text", f"{radius:.3g}", x=percent(place), y=_BOTTOM + 24, class_=f"tick {anchor}")


def _labels() -> Markup:
    """The upright axis, beside the drawing."""
    parts = [tag("text", f"{25 * share} %", x="100%", y=_height(share / 4), dy=".34em", class_="tick end") for share in range(5)]
    return tag("svg", *parts, class_="canvas upright", height=_HEIGHT, aria_hidden="true", xmlns="http://www.w3.org/2000/svg")


def _figures(report: CertificationReport) -> Markup:
    radii = radii_of_table(report)
    columns = [Column("sigma", "figure"), *(Column(f"radius {radius:g}", "figure") for radius in radii)]
    columns += [Column("greatest", "figure"), Column("abstains", "figure"), Column("seconds", "figure")]
    rows = [
        Row(
            [
                f"{each.smoothing.sigma:g}",
                *(f"{each.accuracy(radius):.3f}" for radius in radii),
                f"{each.smoothing.ceiling:.3f}",
                str(each.abstentions),
                f"{each.seconds:.1f}",
            ]
        )
        for each in report.certifications
    ]
    return table("Certified accuracy by noise and radius", columns, rows)


def radii_of_table(report: CertificationReport) -> Sequence[float]:
    """A few round radii up to the greatest: what a table has room for."""
    step = next(
        size
        for size in (0.01, 0.02, 0.05, 0.1, 0.125, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 1e300)
        if report.greatest / size <= 6
    )
    return [step * number for number in range(int(report.greatest / step) + 1)]


def _provenance(report: CertificationReport) -> Markup:
    smoothing = report.first.smoothing
    facts = (
        ("model, SHA-256", tag("span", report.model_sha256, class_="code")),
        ("trained under noise of", f"{report.trained_sigma:g}"),
        ("norm", "Euclidean, in the input's own units"),
        ("copies for each sample", f"{smoothing.selection} and {smoothing.estimation}"),
        ("alpha", f"{smoothing.alpha:g}"),
        ("seed", str(report.seed)),
        ("samples", str(len(report.first.labels))),
    )
    rows = [Row([name, value]) for name, value in facts]
    return table("What the certificates rest on", [Column("what"), Column("value", "prose")], rows)
