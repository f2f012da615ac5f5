"""How often a classifier decides otherwise than the reference, with the bound that the number of samples supports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verify.report.document import Agreement
from verify.report.figures import count_figure, plural, probability_figure
from verify.report.html.markup import Markup, tag
from verify.report.html.plots.scales import LogScale
from verify.report.html.plots.svg import bar_row, dot, figure, percent, ruler


@dataclass(frozen=True, slots=True)
class Decisions:
    """The decisions of one output in one case on one backend."""

    name: str
    agreement: Agreement


def flips_plot(decisions: Sequence[Decisions], left_out: int = 0) -> Markup:
    """One bar for each output, from nothing to the upper bound of the rate of flips, with the rate that was seen as a point.

    ``left_out`` are further outputs, of which the caption speaks.
    """
    rest = f" {plural(left_out, 'output')} with fewer flips or samples: see the runs." if left_out else ""
    rates = [rate for each in decisions for rate in (each.agreement.flip_rate_upper, _rate(each.agreement)) if rate > 0]
    scale = LogScale.over([*rates, 0.01, 1.0])
    samples = sum(each.agreement.samples for each in decisions)
    flips = sum(each.agreement.argmax_flips for each in decisions)
    ticks = [
        (scale.place(10.0**exponent), f"{100 * 10.0**exponent:g} %")
        for exponent in range(scale.highest, scale.lowest - 1, -max(1, -(-(scale.highest - scale.lowest) // 5)))
    ]
    return figure(
        "Decisions that flip",
        f"{plural(flips, 'flip')} in {plural(samples, 'decision')}.",
        tag("div", *(_row(each, scale) for each in decisions), ruler(ticks)),
        caption="A bar ends at the upper bound of the rate of flips, at 95 % confidence (Clopper-Pearson): more samples make it "
        "shorter. The point is the rate that was seen; where there is none, no decision flipped."
        f"{rest}",
    )


def _rate(agreement: Agreement) -> float:
    return agreement.argmax_flips / agreement.samples if agreement.samples else 0.0


def _row(each: Decisions, scale: LogScale) -> Markup:
    agreement = each.agreement
    verdict = "differs" if agreement.unexplained_flips else "waived" if agreement.argmax_flips else "agrees"
    told = (
        f"{count_figure(agreement.argmax_flips)} of {count_figure(agreement.samples)}, "
        f"rate below {probability_figure(agreement.flip_rate_upper)}"
    )
    seen = dot(percent(scale.place(_rate(agreement))), 6, 5, f"rate {verdict}", told) if agreement.argmax_flips else None
    return bar_row(each.name, told, scale.place(agreement.flip_rate_upper), verdict, seen)
