"""The frame that all plots share: fluid in width, so that letters keep their size on a telephone.

Positions across are percentages, positions down are pixels. Colours come from classes of the page's
style sheet, so that a plot follows light and dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from verify.report.html.markup import Markup, joined, tag


def percent(place: float) -> str:
    """A place from 0 to 1 as a percentage."""
    return f"{100 * place:.3f}%"


def figure(
    title: str, description: str, plot: Markup, *, caption: Markup | str, legend: Sequence[tuple[str, str]] = ()
) -> Markup:
    """A plot with its title, a legend of (class, text) pairs, and a caption. A screen reader says ``description`` of it."""
    keys = (
        tag("ul", *(tag("li", tag("i", class_=f"key {name}"), label) for name, label in legend), class_="legend")
        if legend
        else None
    )
    return tag(
        "figure",
        tag("div", tag("h3", title), keys, class_="figure-head"),
        tag("div", plot, class_="plot", role="img", aria_label=f"{title}. {description}"),
        tag("figcaption", caption),
    )


def canvas(height: float, *children: Markup | None, gutter: bool = True) -> Markup:
    """A drawing ``height`` pixels high. With a gutter it stands off from the left, where the labels of its axis lie."""
    space = "http://www.w3.org/2000/svg"
    return tag("svg", *children, class_="canvas gutter" if gutter else "canvas", height=height, aria_hidden="true", xmlns=space)


def horizontal_lines(ticks: Iterable[tuple[float, str]], top: float, bottom: float) -> Markup:
    """Grid lines across, with labels at their left; a tick's place 0 is at ``bottom`` and 1 at ``top``."""
    parts = []
    for place, label in ticks:
        y = bottom - place * (bottom - top)
        parts.append(tag("line", x1="0", x2="100%", y1=y, y2=y, class_="grid"))
        parts.append(tag("text", label, x=-8, y=y, dy=".34em", class_="tick end"))
    return joined(*parts)


def ruler(ticks: Iterable[tuple[float, str]]) -> Markup:
    """An axis below rows of bars; a tick's place is 0 at the left and 1 at the right."""
    parts = [tag("line", x1="0", x2="100%", y1=1, y2=1, class_="axis")]
    for place, label in ticks:
        anchor = "start" if place < 0.03 else "end" if place > 0.97 else "middle"
        parts.append(tag("line", x1=percent(place), x2=percent(place), y1=1, y2=6, class_="axis"))
        parts.append(tag("text", label, x=percent(place), y=21, class_=f"tick {anchor}"))
    return canvas(26, *parts, gutter=False)


def bar_row(name: str, told: str, place: float, class_: str, mark: Markup | None = None) -> Markup:
    """A bar with its name and figure above, which wrap where the page is narrow; ``place`` is the bar's length, 0 to 1."""
    bar = joined(
        tag("rect", x="0", y=0, width="100%", height=12, rx=3, class_="track"),
        # Shorter than this it would not be seen at all.
        tag("rect", x="0", y=0, width=percent(max(place, 0.004)), height=12, rx=3, class_=f"bar {class_}"),
        mark,
    )
    head = tag("div", tag("span", name, class_="row-name"), tag("span", told, class_="row-value"), class_="row-head")
    return tag("div", head, canvas(12, bar, gutter=False), class_="bar-row")


def dot(x: str, y: float, radius: float, class_: str, title: str) -> Markup:
    """A point with the text that appears when the pointer rests on it."""
    return tag("circle", tag("title", title), cx=x, cy=y, r=radius, class_=class_)
