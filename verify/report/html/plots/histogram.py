"""How many elements lie how far from what was recorded."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from verify.report.document import Histogram
from verify.report.figures import error_figure, plural
from verify.report.html.markup import Markup, joined, tag
from verify.report.html.plots.scales import LinearScale, power
from verify.report.html.plots.svg import canvas, figure, horizontal_lines, percent

_TOP, _BOTTOM, _HEIGHT = 14.0, 190.0, 232.0


def added_up(histograms: Iterable[Histogram]) -> list[Histogram]:
    """Histograms over the same edges as one, the others each by itself; those without a count are left out."""
    totals: dict[tuple[float, ...], Counter[int]] = {}
    for histogram in histograms:
        total = totals.setdefault(histogram.edges, Counter())
        total.update(dict(enumerate(histogram.counts)))
    return [
        Histogram(edges, tuple(total[place] for place in range(len(edges) - 1)))
        for edges, total in totals.items()
        if total.total()
    ]


def histogram_plot(histogram: Histogram, title: str) -> Markup:
    """Bars of equal width, one for each bin that lies between the first and the last that hold anything."""
    first, last = _occupied(histogram)
    counts, edges = histogram.counts[first : last + 1], histogram.edges[first : last + 2]
    total = sum(counts)
    # A share, because a million elements and ten are read alike then.
    scale = LinearScale.up_to(max(counts) / total)
    ticks = [(step / 4, f"{100 * scale.highest * step / 4:.3g} %") for step in range(0, 5, 2)]
    bars = joined(*(_bar(place, count, total, edges, scale) for place, count in enumerate(counts)))
    most = max(range(len(counts)), key=counts.__getitem__)
    return figure(
        title,
        f"{plural(total, 'element')}; most of them, {100 * counts[most] / total:.3g} per cent, lie {_range(edges, most)}.",
        canvas(_HEIGHT, horizontal_lines(ticks, _TOP, _BOTTOM), bars, _labels(edges)),
        caption=f"Absolute error of {plural(total, 'compared element')}.",
    )


def _occupied(histogram: Histogram) -> tuple[int, int]:
    held = [place for place, count in enumerate(histogram.counts) if count]
    return held[0], held[-1]


def _bar(place: int, count: int, total: int, edges: tuple[float, ...], scale: LinearScale) -> Markup:
    bins = len(edges) - 1
    height = scale.place(count / total) * (_BOTTOM - _TOP)
    # A bin that holds one element of a million is still seen.
    height = max(height, 2.0) if count else 0.0
    left, width = place / bins, 1 / bins
    gap = min(0.08 * width, 0.01)
    return tag(
        "rect",
        tag("title", f"{_range(edges, place)}: {plural(count, 'element')}"),
        x=percent(left + gap),
        width=percent(width - 2 * gap),
        y=_BOTTOM - height,
        height=height,
        rx=2,
        class_="bar",
    )


def _labels(edges: tuple[float, ...]) -> Markup:
    """The edges below the bars, so many of them as fit on a telephone."""
    bins = len(edges) - 1
    step = max(1, math.ceil(bins / 6))
    parts = [tag("line", x1="0", x2="100%", y1=_BOTTOM, y2=_BOTTOM, class_="axis")]
    for place in range(0, bins + 1, step):
        anchor = "start" if place == 0 else "end" if place == bins else "middle"
        parts.append(tag("text", _edge(edges[place]), x=percent(place / bins), y=_BOTTOM + 20, class_=f"tick {anchor}"))
    return joined(*parts)


def _edge(value: float) -> str:
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "∞"
    exponent = math.log10(value)
    return power(round(exponent)) if abs(exponent - round(exponent)) < 1e-6 else error_figure(value)


def _range(edges: tuple[float, ...], place: int) -> str:
    low, high = edges[place], edges[place + 1]
    if not math.isfinite(high):
        return f"at {error_figure(low)} or more"
    return f"below {error_figure(high)}" if low == 0 else f"from {error_figure(low)} to below {error_figure(high)}"
