"""How much of its tolerance each output needs: everything left of 100 % passes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from verify.report.figures import plural, share_figure
from verify.report.html.markup import Markup, joined, tag
from verify.report.html.plots.scales import LogScale
from verify.report.html.plots.svg import canvas, dot, figure, percent
from verify.report.visible import one_line

_ROW = 54.0
_TOP = 12.0
LEAST = 1e-6
_NAMED = {
    "10⁻⁶": "0.0001 %",
    "10⁻⁵": "0.001 %",
    "10⁻⁴": "0.01 %",
    "10⁻³": "0.1 %",
    "10⁻²": "1 %",
    "10⁻¹": "10 %",
    "1": "100 %",
    "10": "10×",
    "10²": "100×",
    "10³": "1000×",
}


@dataclass(frozen=True, slots=True)
class Margin:
    """An output with the share of its tolerance that it needs, 1 being all of it."""

    backend: str
    name: str
    used: float
    verdict: str  # agrees, waived or differs


def margins_plot(margins: Sequence[Margin]) -> Markup:
    """One row for each backend, one point for each output."""
    backends = list(dict.fromkeys(margin.backend for margin in margins))
    # The limit itself is always in the picture, with a decade on either side.
    scale = LogScale.over([*(_shown(margin) for margin in margins), 0.1, 10.0])
    bottom = _TOP + _ROW * len(backends)
    worst = max(margins, key=lambda margin: margin.used)
    rows = joined(*(_row(backend, number, margins, scale) for number, backend in enumerate(backends)))
    limit = percent(scale.place(1.0))
    marks = joined(
        tag("rect", x=limit, y=_TOP, width=percent(1 - scale.place(1.0)), height=bottom - _TOP, class_="beyond"),
        *_grid(scale, bottom),
        rows,
        tag("line", x1=limit, x2=limit, y1=_TOP, y2=bottom + 6, class_="limit-line"),
    )
    return figure(
        "Share of the tolerance needed",
        f"{plural(len(margins), 'output')}; the worst, {worst.name} on {worst.backend}, needs {share_figure(worst.used)}.",
        canvas(bottom + 34, marks, gutter=False),
        caption="Each point is one output in one case. Left of the line it passes; the further left, the more room there is. "
        "Less than a millionth stands at 0.",
        legend=[("agrees", "agrees"), ("waived", "waived"), ("differs", "differs")],
    )


def _shown(margin: Margin) -> float:
    """Errors of denormal numbers would take all of the axis, and nobody asks which millionth of the tolerance is used."""
    return 0.0 if margin.used < LEAST else margin.used


def _grid(scale: LogScale, bottom: float) -> Iterator[Markup]:
    for place, label in scale.ticks(5):
        anchor = "start" if place < 0.02 else "end" if place > 0.98 else "middle"
        named = _NAMED.get(label, label)
        yield tag("line", x1=percent(place), x2=percent(place), y1=_TOP, y2=bottom, class_="grid")
        yield tag("text", named, x=percent(place), y=bottom + 24, class_=f"tick {anchor}")


def _row(backend: str, number: int, margins: Sequence[Margin], scale: LogScale) -> Markup:
    top = _TOP + number * _ROW
    ours = [margin for margin in margins if margin.backend == backend]
    # Points spread over the row's height, so that those of equal error do not hide each other; the order makes it repeatable.
    points = [
        dot(
            percent(scale.place(_shown(margin))),
            top + 26 + (place * 7 % 5) * 4.5,
            4.0 if len(ours) <= 200 else 2.5,
            f"margin {margin.verdict}",
            f"{margin.name}: {share_figure(margin.used)} of the tolerance",
        )
        for place, margin in enumerate(ours)
    ]
    label = tag("text", one_line(backend, 40), x="0", y=top + 14, class_="row-label")
    return joined(tag("line", x1="0", x2="100%", y1=top + _ROW, y2=top + _ROW, class_="grid"), label, *points)
