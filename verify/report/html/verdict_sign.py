"""The sign beside a verdict: a tick, a cross or an exclamation mark in a circle, as inline SVG."""

from __future__ import annotations

from typing import Final

from verify.report.html.markup import Markup, tag

TICK: Final = "M13 25 L21 33 L36 16"
CROSS: Final = "M16 16 L32 32 M32 16 L16 32"
EXCLAMATION_MARK: Final = "M24 13 L24 27 M24 34 L24 35"


def verdict_sign(path: str) -> Markup:
    """The sign that ``path`` draws in a square of 48. The words beside it say the same, so that nobody has to be told of it."""
    circle = tag("circle", cx=24, cy=24, r=22)
    return tag("svg", circle, tag("path", d=path), class_="sign", viewBox="0 0 48 48", aria_hidden="true")
