"""How near the outputs lie to what was recorded, all together."""

from __future__ import annotations

from verify.report.document import Case, Output, Report
from verify.report.figures import tolerance_used
from verify.report.html.markup import Markup, tag
from verify.report.html.plots.flips import Decisions, flips_plot
from verify.report.html.plots.histogram import added_up, histogram_plot
from verify.report.html.plots.margins import Margin, margins_plot
from verify.report.html.plots.timing import BackendTimes, timing_plot

MOST_DECISIONS = 12


def accuracy(report: Report) -> Markup | None:
    """The plots, those alone that there is something for."""
    plots = [*_margins(report), *_histograms(report), *_decisions(report), *_times(report)]
    return tag("div", *plots, class_="plots") if plots else None


def _outputs(report: Report) -> list[tuple[Case, Output]]:
    return [(case, output) for case in report.cases for output in case.outputs]


def _margins(report: Report) -> list[Markup]:
    margins = [
        Margin(case.backend, f"{case.case} · {output.name}", used, output.verdict.value)
        for case, output in _outputs(report)
        if (used := tolerance_used(output)) is not None
    ]
    return [margins_plot(margins)] if margins else []


def _histograms(report: Report) -> list[Markup]:
    by_type: dict[str, list[Output]] = {}
    for _, output in _outputs(report):
        by_type.setdefault(output.dtype, []).append(output)
    return [
        histogram_plot(total, f"Errors of {dtype or 'all'} elements")
        for dtype, outputs in by_type.items()
        for total in added_up(each.metrics.histogram for each in outputs if each.metrics and each.metrics.histogram)
        if any(total.counts[1:])  # Where every element lies in the first bin, as indices do, there is nothing to draw.
    ]


def _decisions(report: Report) -> list[Markup]:
    decisions = [
        Decisions(f"{case.case} · {output.name} · {case.backend}", output.agreement)
        for case, output in _outputs(report)
        if output.agreement is not None and output.agreement.samples
    ]
    # Those that flip the most are the ones to look at; of the others, those with many samples say something.
    decisions.sort(key=lambda each: (-each.agreement.unexplained_flips, -each.agreement.argmax_flips, -each.agreement.samples))
    return [flips_plot(decisions[:MOST_DECISIONS], left_out=len(decisions[MOST_DECISIONS:]))] if decisions else []


def _times(report: Report) -> list[Markup]:
    seconds: dict[str, list[float]] = {}
    for case in report.cases:
        if case.outputs:
            seconds.setdefault(case.backend, []).append(case.seconds)
    return [timing_plot([BackendTimes(name, tuple(times)) for name, times in seconds.items()])] if seconds else []
