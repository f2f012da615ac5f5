"""The page as a whole."""

from __future__ import annotations

from importlib.resources import files

from verify.report.html.markup import joined, tag
from verify.report.html.page import page
from verify.robustness.document import RobustnessReport
from verify.robustness.report.html.attacks import attacks
from verify.robustness.report.html.banner import banner
from verify.robustness.report.html.checks import checks
from verify.robustness.report.html.curve import curve
from verify.robustness.report.html.examples import examples
from verify.robustness.report.html.parity import parity
from verify.robustness.report.html.provenance import provenance

_SECTIONS = (
    ("curve", "Accuracy against size", curve),
    ("attacks", "Attacks", attacks),
    ("masking", "Signs of masking", checks),
    ("parity", "Conversion parity", parity),
    ("examples", "What it takes", examples),
    ("provenance", "Provenance", provenance),
)


def render_html(report: RobustnessReport) -> str:
    """The page: no script, and nothing that would be fetched; its images stand in it."""
    filled = [(name, title, content) for name, title, build in _SECTIONS if (content := build(report)) is not None]
    links = tag("nav", *(tag("a", title, href=f"#{name}") for name, title, _ in filled), aria_label="Sections")
    sections = [tag("section", tag("h2", title), content, id=name) for name, title, content in filled]
    foot = tag(
        "footer", tag("p", f"{report.tool.name} {report.tool.version} · {report.created} · verdict {report.verdict.value}")
    )
    style = files("verify.robustness.report.html").joinpath("robustness.css").read_text("utf-8")
    body = joined(banner(report), links, tag("main", *sections), foot)
    return page(f"Robustness report: {report.verdict.value}", body, style, images=True)
