"""The page as a whole. Its policy for content forbids everything but its own style sheet, which it names by its hash."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from verify.report.document import Report
from verify.report.html.markup import Markup, joined, raw, tag
from verify.report.html.sections.accuracy import accuracy
from verify.report.html.sections.banner import banner
from verify.report.html.sections.determinism import determinism
from verify.report.html.sections.differences import differences
from verify.report.html.sections.divergence import divergence
from verify.report.html.sections.provenance import provenance
from verify.report.html.sections.runs import runs
from verify.report.html.sections.waivers import waivers

_SECTIONS = (
    ("differences", "What does not hold", differences),
    ("divergence", "Where it arises", divergence),
    ("accuracy", "How near", accuracy),
    ("runs", "Runs", runs),
    ("waivers", "Waivers", waivers),
    ("determinism", "Determinism", determinism),
    ("provenance", "Provenance", provenance),
)


def render_html(report: Report) -> str:
    """The page, complete in itself: no script, and nothing that would be fetched."""
    filled = [(name, title, content) for name, title, build in _SECTIONS if (content := build(report)) is not None]
    links = tag("nav", *(tag("a", title, href=f"#{name}") for name, title, _ in filled), aria_label="Sections")
    sections = [tag("section", tag("h2", title), content, id=name) for name, title, content in filled]
    foot = tag(
        "footer", tag("p", f"{report.tool.name} {report.tool.version} · {report.created} · verdict {report.verdict.value}")
    )
    return page(f"Equivalence report: {report.verdict.value}", joined(banner(report), links, tag("main", *sections), foot))


def page(title: str, body: Markup, more_style: str = "", *, images: bool = False) -> str:
    """A document in the house's style around ``body``; ``more_style`` is a style sheet of our own that goes behind it.

    With ``images`` it may show those that stand in the document itself.
    """
    style = files("verify.report.html").joinpath("style.css").read_text("utf-8") + more_style
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    shown = "img-src data:; " if images else ""
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; {shown}base-uri 'none'; form-action 'none'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", raw(style)),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', body), lang='en')}\n"
