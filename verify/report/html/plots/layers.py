"""Error per layer, on a logarithmic axis: what each layer adds by itself, what has added up, and what is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from verify.report.document import Bisection, Layer
from verify.report.figures import error_figure, plural
from verify.report.html.markup import Markup, joined, tag, text
from verify.report.html.plots.scales import LogScale
from verify.report.html.plots.svg import canvas, dot, figure, horizontal_lines, percent

_TOP, _BOTTOM, _HEIGHT = 30.0, 250.0, 292.0


def layers_plot(bisection: Bisection) -> Markup:
    """The plot of one search, with the first divergence marked."""
    layers, culprit = bisection.layers, bisection.culprit
    values = [value for layer in layers for value in (layer.max_abs, layer.forced_max_abs, layer.allowed) if value is not None]
    scale = LogScale.over(values)
    marks = joined(
        horizontal_lines(scale.ticks(), _TOP, _BOTTOM),
        _axis(len(layers)),
        _allowed(layers, scale),
        _trail(layers, scale),
        *_points(layers, scale),
        _marker(layers, culprit, scale) if culprit is not None else None,
    )
    described = (
        f"The first divergence is at {culprit.operator} {culprit.node}: its own error of {error_figure(culprit.forced_max_abs)} "
        f"exceeds {error_figure(culprit.allowed)}."
        if culprit is not None
        else "No layer differs by itself."
    )
    return figure(
        "Error per layer",
        f"{plural(len(layers), 'layer')} in the order of computation. {described}",
        canvas(_HEIGHT, marks),
        caption="Greatest absolute error of each layer, in the order of computation. A layer's own error is measured with the "
        "reference's values as its inputs, which separates the culprit from what it passes on.",
        legend=[("own", "by itself"), ("total", "added up"), ("limit", "allowed")],
    )


def _across(position: int, count: int) -> float:
    return (position + 0.5) / count


def _down(value: float, scale: LogScale) -> float:
    return _BOTTOM - scale.place(value) * (_BOTTOM - _TOP)


def _axis(count: int) -> Markup:
    ends = joined(
        tag("text", "first layer", x="0", y=_BOTTOM + 22, class_="tick start"),
        tag("text", f"layer {count}", x="100%", y=_BOTTOM + 22, class_="tick end"),
    )
    return joined(tag("line", x1="0", x2="100%", y1=_BOTTOM, y2=_BOTTOM, class_="axis"), ends)


def _allowed(layers: tuple[Layer, ...], scale: LogScale) -> Markup:
    steps = [
        tag("line", x1=percent(place / len(layers)), x2=percent((place + 1) / len(layers)), y1=y, y2=y, class_="limit")
        for place, layer in enumerate(layers)
        if layer.allowed is not None
        for y in (_down(layer.allowed, scale),)
    ]
    return joined(*steps)


def _trail(layers: tuple[Layer, ...], scale: LogScale) -> Markup:
    """The line through the errors that have added up."""
    known = [(place, layer.max_abs) for place, layer in enumerate(layers) if layer.max_abs is not None]
    count = len(layers)
    return joined(
        *(
            tag(
                "line",
                x1=percent(_across(left, count)),
                x2=percent(_across(right, count)),
                y1=_down(before, scale),
                y2=_down(after, scale),
                class_="trail",
            )
            for (left, before), (right, after) in pairwise(known)
        )
    )


def _points(layers: tuple[Layer, ...], scale: LogScale) -> Iterator[Markup]:
    count = len(layers)
    radius = 4.0 if count <= 60 else 2.5
    for place, layer in enumerate(layers):
        name = f"{layer.operator} {layer.node}"
        x = percent(_across(place, count))
        if layer.max_abs is not None:
            title = f"{name}: {error_figure(layer.max_abs)} added up"
            yield dot(x, _down(layer.max_abs, scale), radius - 1, "total", title)
        if layer.forced_max_abs is not None:
            title = f"{name}: {error_figure(layer.forced_max_abs)} by itself, {error_figure(layer.allowed)} allowed"
            yield dot(x, _down(layer.forced_max_abs, scale), radius, f"own {layer.verdict.value}", title)


def _marker(layers: tuple[Layer, ...], culprit: Layer, scale: LogScale) -> Markup:
    place = _across(layers.index(culprit), len(layers))
    x = percent(place)
    # The label stays inside the drawing, whichever end the layer is near.
    anchor = "start" if place < 0.35 else "end" if place > 0.65 else "middle"
    label = tag("text", text("first divergence"), x=x, y=_TOP - 16, class_=f"mark-label {anchor}")
    line = tag("line", x1=x, x2=x, y1=_TOP - 8, y2=_BOTTOM, class_="mark")
    ring = None
    if culprit.forced_max_abs is not None:
        ring = tag("circle", cx=x, cy=_down(culprit.forced_max_abs, scale), r=9, class_="ring")
    return joined(line, label, ring)
