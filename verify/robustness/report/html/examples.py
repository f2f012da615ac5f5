"""Samples before and after, with what was added."""

from __future__ import annotations

from verify.report.html.markup import Markup, tag
from verify.robustness.document import Example, ThreatResult


def examples(result: ThreatResult) -> Markup | None:
    """A row of three images for each: clean, perturbation, adversarial."""
    if not result.examples:
        return None
    note = "The nearest example that broke each sample. Perturbations are scaled to full contrast: grey is no change."
    return tag(
        "div",
        tag("div", *(_triplet(each) for each in result.examples), class_="triplets"),
        tag("p", note, class_="muted note"),
    )


def _triplet(each: Example) -> Markup:
    where = "" if each.step is None else f", step {each.step}"
    pictures = (
        (each.clean, f"class {each.label}{where}", f"Sample {each.sample} as it is"),
        (each.perturbation, f"{each.distance:.3g}", "What was added, scaled"),
        (each.adversarial, f"class {each.adversarial_class}{where}", f"Sample {each.sample} as {each.attack} moved it"),
    )
    cells = [
        tag("div", tag("img", src=f"data:image/png;base64,{data}", alt=told), tag("span", caption))
        for data, caption, told in pictures
    ]
    return tag("figure", tag("div", *cells, class_="triplet"), tag("figcaption", f"Sample {each.sample}, {each.attack}"))
