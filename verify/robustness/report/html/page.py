"""The page as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.resources import files

from verify.report.html.markup import Markup, joined, tag
from verify.report.html.page import page
from verify.robustness.document import RobustnessReport, ThreatResult
from verify.robustness.report.html.attacks import attacks
from verify.robustness.report.html.banner import banner
from verify.robustness.report.html.checks import checks
from verify.robustness.report.html.curve import curve
from verify.robustness.report.html.examples import examples
from verify.robustness.report.html.parity import parity
from verify.robustness.report.html.provenance import provenance

_SECTIONS: tuple[tuple[str, str, Callable[[ThreatResult], Markup | None]], ...] = (
    ("curve", "Accuracy against size", curve),
    ("attacks", "Attacks", attacks),
    ("masking", "Signs of masking", checks),
    ("parity", "Conversion parity", parity),
    ("examples", "What it takes", examples),
)


def render_html(report: RobustnessReport) -> str:
    """The page: no script, and nothing that would be fetched; its images stand in it."""
    parts = [*_results(report), ("provenance", "Provenance", provenance(report))]
    links = tag("nav", *(tag("a", title, href=f"#{name}") for name, title, _ in parts), aria_label="Sections")
    sections = [tag("section", tag("h2", title), content, id=name) for name, title, content in parts]
    foot = tag(
        "footer", tag("p", f"{report.tool.name} {report.tool.version} · {report.created} · verdict {report.verdict.value}")
    )
    style = files("verify.robustness.report.html").joinpath("robustness.css").read_text("utf-8")
    body = joined(banner(report), links, tag("main", *sections), foot)
    return page(f"Robustness report: {report.verdict.value}", body, style, images=True)


def _results(report: RobustnessReport) -> Iterator[tuple[str, str, Markup]]:
    """The sections of every threat; where there are several, each is called by its norm."""
    several = len(report.results) > 1
    for number, result in enumerate(report.results):
        for name, title, build in _SECTIONS:
            content = build(result)
            if content is not None:
                norm = result.threat.norm
                yield (f"{name}-{number}", f"{title}, {norm}", content) if several else (name, title, content)
