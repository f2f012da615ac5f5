"""Accuracy against the size of the perturbation, with the band that the number of samples allows."""

from __future__ import annotations

from collections.abc import Sequence

from verify.report.html.markup import Markup, joined, tag
from verify.report.html.plots.svg import dot, figure, percent
from verify.robustness.document import CurvePoint, ThreatResult
from verify.robustness.report.sentences import share_text

_HEIGHT, _TOP, _BOTTOM = 290.0, 12.0, 250.0


def curve(result: ThreatResult) -> Markup | None:
    """The plot. Sizes stand at equal distances, since they double from one to the next."""
    points = result.curve
    if len(points) < 2:
        return None
    told = "; ".join(f"at {point.epsilon:.3g} {share_text(point.robust)}" for point in points)
    return figure(
        "Share of samples that withstand",
        told,
        tag("div", _labels(), _drawing(points, result.threat.epsilon), class_="curve"),
        caption="A sample counts out at every size from the least that broke it. The band is the interval of Clopper and Pearson "
        "at 95 %. From the size of the threat on, which the dashed line marks, all attacks count; below, the sweep alone.",
        legend=[("own", "samples that withstand"), ("band", "95 %")],
    )


def _place(number: int, count: int) -> float:
    return number / (count - 1)


def _height(rate: float) -> float:
    return _BOTTOM - rate * (_BOTTOM - _TOP)


def _drawing(points: Sequence[CurvePoint], epsilon: float) -> Markup:
    """Letters keep their size on a telephone, so that the lines, drawn in parts of a hundred, stand in an image of their own."""
    count = len(points)
    places = [100 * _place(number, count) for number in range(count)]
    upper = [f"{x:.3f},{_height(point.robust.upper):.2f}" for x, point in zip(places, points, strict=True)]
    lower = [f"{x:.3f},{_height(point.robust.lower):.2f}" for x, point in zip(places, points, strict=True)]
    line = [f"{x:.3f},{_height(point.robust.rate):.2f}" for x, point in zip(places, points, strict=True)]
    space = "http://www.w3.org/2000/svg"
    shapes = tag(
        "svg",
        tag("polygon", points=" ".join([*upper, *reversed(lower)]), class_="band"),
        tag("polyline", points=" ".join(line), class_="line", vector_effect="non-scaling-stroke"),
        viewBox=f"0 0 100 {_HEIGHT:g}",
        preserveAspectRatio="none",
        width="100%",
        height=_HEIGHT,
        xmlns=space,
    )
    grid = joined(
        *(tag("line", x1="0", x2="100%", y1=_height(share / 4), y2=_height(share / 4), class_="grid") for share in range(5))
    )
    marked = [number for number, point in enumerate(points) if point.epsilon == epsilon]
    marks = [
        tag("line", x1=percent(_place(n, count)), x2=percent(_place(n, count)), y1=_TOP, y2=_BOTTOM, class_="limit-line")
        for n in marked
    ]
    dots = [
        dot(percent(_place(n, count)), _height(point.robust.rate), 4, "own", f"{point.epsilon:.4g}: {share_text(point.robust)}")
        for n, point in enumerate(points)
    ]
    ticks = [_tick(number, count, point.epsilon) for number, point in enumerate(points)]
    return tag("svg", grid, shapes, *marks, *dots, *ticks, class_="canvas", height=_HEIGHT, aria_hidden="true", xmlns=space)


def _tick(number: int, count: int, size: float) -> Markup:
    anchor = "end" if number == count - 1 else "start" if number == 0 else "middle"
    return tag("text", f"{size:.2g}", x=percent(_place(number, count)), y=_BOTTOM + 24, class_=f"tick {anchor}")


def _labels() -> Markup:
    """The upright axis, beside the drawing."""
    parts = [tag("text", f"{25 * share} %", x="100%", y=_height(share / 4), dy=".34em", class_="tick end") for share in range(5)]
    return tag("svg", *parts, class_="canvas upright", height=_HEIGHT, aria_hidden="true", xmlns="http://www.w3.org/2000/svg")
