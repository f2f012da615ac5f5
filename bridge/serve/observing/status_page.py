"""The status page: complete in itself, without scripts, in the style of the reports."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Final

from bridge.serve.observing.status import ModelStatus, Status
from bridge.version import __version__
from verify.report.html.markup import Markup, joined, tag
from verify.report.html.page import page
from verify.report.html.table import Column, Row, table

REFRESH_SECONDS: Final = 10
_POLICY: Final = re.compile('http-equiv="Content-Security-Policy" content="([^"]*)"')
_COLUMNS: Final = (
    Column("Model"),
    Column("Answered", "figure"),
    Column("Waiting", "figure"),
    Column("Median", "figure"),
    Column("99 %", "figure"),
    Column("Sandbox"),
)
_VOUCHED: Final = (Column("Model"), Column("Signed by", "code"), Column("Root digest", "code"))
_GUARDS: Final = (
    Column("Guard"),
    Column("Model"),
    Column("Input"),
    Column("Seen", "figure"),
    Column("Refused", "figure"),
    Column("Changed", "figure"),
    Column("Mean time", "figure"),
)
_STYLE: Final = """
#refusals .scroll { max-width: 520px; }
@media (max-width: 560px) { .tile:last-child:nth-child(odd) { grid-column: 1 / -1; } }
"""


@dataclass(frozen=True, slots=True)
class _Standing:
    title: str
    tone: str
    path: str


_READY: Final = _Standing("Serving", "equivalent", "M18 30.5 l8.5 8.5 L41 22")
_DRAINING: Final = _Standing("Shutting down", "error", "M29 17 v17 M29 41 v.5")


def render_status(status: Status) -> str:
    """The page."""
    standing = _READY if status.ready else _DRAINING
    models = tag("section", tag("h2", "Models"), table("Models", _COLUMNS, map(_row, status.models)), id="models")
    vouched = table("Who vouches for each model", _VOUCHED, map(_vouched, status.models))
    signers = tag("section", tag("h2", "Who vouches for them"), vouched, id="signers")
    refused = tag("section", tag("h2", "Refusals"), _refusals(status), id="refusals")
    guards = [row for model in status.models for row in _guards(model)]
    sections = [models]
    if guards:
        sections.append(tag("section", tag("h2", "Input guards"), table("Input guards", _GUARDS, guards), id="guards"))
    foot = tag(
        "footer", tag("p", f"cntk-bridge {__version__} · metrics at /metrics · figures of the last 1,024 answers of each model")
    )
    return page(
        "Inference server",
        joined(_banner(standing, status), _tiles(status), tag("main", *sections, signers, refused), foot),
        _STYLE,
    )


def content_policy(page_text: str) -> str:
    """The policy that the page states of itself, as a header; only a header can forbid that others frame it."""
    stated = _POLICY.search(page_text)
    assert stated is not None
    return f"{unescape(stated.group(1))}; frame-ancestors 'none'"


def _banner(standing: _Standing, status: Status) -> Markup:
    sign = tag(
        "svg",
        tag("circle", cx="29", cy="29", r="27"),
        tag("path", d=standing.path),
        class_="sign",
        viewBox="0 0 58 58",
        aria_hidden="true",
    )
    count = len(status.models)
    lead = tag("p", f"{count} model{'s' if count != 1 else ''}, up for {_duration(status.uptime)}.", class_="lead")
    return tag("header", tag("div", sign, tag("div", tag("h1", standing.title), lead), class_=f"verdict {standing.tone}"))


def _tiles(status: Status) -> Markup:
    unsigned = sum(not model.signer for model in status.models)
    slowest = max((model.p99 for model in status.models if model.p99 is not None), default=None)
    tiles = (
        ("Answered", f"{sum(model.answered for model in status.models):,}", "requests", ""),
        ("Refused", f"{sum(count for _, count in status.refused):,}", f"for {len(status.refused)} reasons", ""),
        ("Waiting", f"{sum(model.waiting for model in status.models):,}", "in all queues", ""),
        ("Slowest 99 %", _seconds(slowest), "of any model", ""),
        ("Unsigned", str(unsigned), "models nobody signed", "note" if unsigned else ""),
    )
    return tag("dl", *(_tile(*tile) for tile in tiles), class_="tiles")


def _tile(title: str, figure: str, detail: str, tone: str) -> Markup:
    return tag(
        "div", tag("dt", title), tag("dd", figure, class_="figure"), tag("dd", detail, class_="detail"), class_=f"tile {tone}"
    )


def _row(model: ModelStatus) -> Row:
    cells = (
        _name(model),
        f"{model.answered:,}",
        f"{model.waiting:,}",
        _seconds(model.median),
        _seconds(model.p99),
        model.sandbox,
    )
    return Row(cells)


def _guards(model: ModelStatus) -> list[Row]:
    return [
        Row(
            (
                joined(guard.name, " ", tag("span", guard.kind, class_="chip")),
                _name(model),
                guard.input,
                f"{guard.seen:,}",
                f"{guard.refused:,}",
                f"{guard.changed:,}",
                _seconds(guard.seconds / guard.seen if guard.seen else None),
            )
        )
        for guard in model.guards
    ]


def _vouched(model: ModelStatus) -> Row:
    return Row((_name(model), model.signer or "nobody", model.root_digest and f"sha256:{model.root_digest}"))


def _name(model: ModelStatus) -> Markup:
    return joined(model.name, " ", tag("span", f"version {model.version}", class_="chip"))


def _refusals(status: Status) -> Markup:
    if not status.refused:
        return tag("p", "None so far.", class_="card muted")
    rows = (Row((reason, f"{count:,}")) for reason, count in status.refused)
    return table("Refusals by reason", (Column("Reason"), Column("Requests", "figure")), rows)


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _duration(seconds: float) -> str:
    minutes, hours, days = seconds / 60, seconds / 3600, seconds / 86400
    for amount, unit in ((days, "days"), (hours, "hours"), (minutes, "minutes")):
        if amount >= 2:
            return f"{amount:.0f} {unit}"
    return f"{seconds:.0f} seconds"
