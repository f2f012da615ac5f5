"""Tables that scroll inside themselves where the page is narrow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from verify.report.html.markup import Content, Markup, joined, tag


@dataclass(frozen=True, slots=True)
class Column:
    """A column: figures stand at the right, digests in a face of fixed width, and prose may take several lines."""

    title: str
    kind: str = ""  # "figure", "code", "prose" or nothing


@dataclass(frozen=True, slots=True)
class Row:
    """A row with the class that colours it."""

    cells: Sequence[Content]
    class_: str | None = None
    identifier: str | None = None


def table(caption: str, columns: Sequence[Column], rows: Iterable[Row]) -> Markup:
    """``caption`` is read out, and seen where the table's heading does not say it already."""
    head = tag("tr", *(tag("th", column.title, scope="col", class_=column.kind or None) for column in columns))
    body = joined(*(_row(columns, row) for row in rows))
    inner = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", body))
    # A region that scrolls has to be reachable with the keyboard.
    return tag("div", inner, class_="scroll", tabindex="0", role="region", aria_label=caption)


def badge(verdict: str) -> Markup:
    """A verdict as a sign and a word, so that its colour says nothing alone."""
    sign = {"agrees": "✓", "equivalent": "✓", "identical": "✓", "waived": "≈", "skipped": "–", "untested": "–"}.get(verdict, "✗")
    return tag("span", tag("span", sign, aria_hidden="true"), f" {verdict}", class_=f"badge {verdict}")


def _row(columns: Sequence[Column], row: Row) -> Markup:
    cells = [_cell(column, cell, first=place == 0) for place, (column, cell) in enumerate(zip(columns, row.cells, strict=True))]
    return tag("tr", *cells, class_=row.class_, id=row.identifier)


def _cell(column: Column, cell: Content, *, first: bool) -> Markup:
    return tag("th" if first else "td", cell, scope="row" if first else None, class_=column.kind or None)
