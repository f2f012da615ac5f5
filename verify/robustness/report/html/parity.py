"""Whether conversion changed how robust the model is."""

from __future__ import annotations

from verify.report.figures import error_figure
from verify.report.html.markup import Content, Markup, tag
from verify.robustness.document import ThreatResult
from verify.robustness.report.sentences import share_text


def parity(result: ThreatResult) -> Markup | None:
    """The figures of both sides, and what they were held against."""
    found = result.parity
    if found is None:
        return None
    pairs: list[tuple[str, Content]] = [
        ("twin withstands gradients", share_text(found.twin_robust)),
        ("served model withstands them", share_text(found.served_robust)),
        ("examples that transfer", f"{found.transferred.count} of {found.transferred.total}"),
        ("samples decided differently", f"{found.flips.count} of {found.flips.total}"),
        ("near ties", str(found.ties)),
        ("outputs apart by at most", error_figure(found.greatest_difference)),
        ("one side alone withstands, p", f"{found.probability:.2g}"),
    ]
    facts = tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs), class_="pairs")
    told = (
        "Both sides saw the same samples and the same examples. Robustness that came with the conversion, or went with it, "
        "would show as decisions that differ and as examples that do not transfer."
    )
    verdict = "Parity holds." if found.holds else f"Parity is broken: {found.detail}."
    return tag("div", tag("p", tag("b", verdict), f" {told}"), facts, class_="card")
