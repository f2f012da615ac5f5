"""Elements of HTML and SVG as text. What is not markup already is escaped: there is no other way into a page."""

from __future__ import annotations

from html import escape

from verify.report.visible import visible

_VOID = frozenset({"br", "meta", "link", "img", "hr", "wbr"})


class Markup(str):
    """Text that is markup already, made by ``tag`` and ``joined`` alone."""

    __slots__ = ()


Content = Markup | str | None


def tag(element: str, /, *children: Content, **attributes: str | float | None) -> Markup:
    """An element. Attributes that are ``None`` are left out; ``_`` in a name stands for ``-``, and for nothing at its end."""
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_attribute(value)}"' for key, value in attributes.items() if value is not None
    )
    if element in _VOID:
        return Markup(f"<{element}{pairs}>")
    return Markup(f"<{element}{pairs}>{joined(*children)}</{element}>")


def joined(*children: Content) -> Markup:
    """Pieces one after the other, each escaped unless it is markup; ``None`` is nothing."""
    return Markup("".join(child if isinstance(child, Markup) else text(child) for child in children if child is not None))


def text(value: str) -> Markup:
    """Text from anywhere: what does not print is shown in escaped form, what would be markup as itself."""
    return Markup(escape(visible(value), quote=False))


def lines(value: str) -> Markup:
    """Text of several lines, with its line ends."""
    return joined(*(joined(text(line), tag("br")) for line in value.strip("\n").split("\n")))


def raw(markup: str) -> Markup:
    """Markup from this package's own files, such as its style sheet. Never for anything that comes from a report."""
    return Markup(markup)


def _attribute(value: str | float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else escape(visible(str(value)))
