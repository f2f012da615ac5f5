"""The time that each backend took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from verify.report.figures import plural, seconds_figure
from verify.report.html.markup import Markup, tag
from verify.report.html.plots.svg import bar_row, figure


@dataclass(frozen=True, slots=True)
class BackendTimes:
    """A backend with the seconds of each of its cases."""

    name: str
    seconds: tuple[float, ...]


def timing_plot(times: Sequence[BackendTimes]) -> Markup:
    """One bar for each backend: all its cases together."""
    longest = max(sum(each.seconds) for each in times) or 1.0
    told = "; ".join(f"{each.name} {seconds_figure(sum(each.seconds))}" for each in times)
    return figure(
        "Time per backend",
        told,
        tag("div", *(_row(each, longest) for each in times)),
        caption="All cases of a backend together. It is no benchmark: each case ran once.",
    )


def _row(each: BackendTimes, longest: float) -> Markup:
    total = sum(each.seconds)
    told = f"{seconds_figure(total)} · {plural(len(each.seconds), 'case')} · median {seconds_figure(median(each.seconds))}"
    return bar_row(each.name, told, total / longest, "neutral")
