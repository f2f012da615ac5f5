"""What a report says in words, the same in every form: one line for each thing that does not hold, and one for the whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from verify.report.document import Case, CaseVerdict, Metrics, Output, OutputVerdict, Report
from verify.report.figures import count_figure, error_figure, index_figure, plural, tolerance_used, value_figure
from verify.report.visible import one_line


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold: where, and why on one line. ``output`` is ``None`` where the whole case failed."""

    case: Case
    output: Output | None
    line: str


def findings(report: Report) -> Iterator[Finding]:
    """Everything in the cases that does not hold, in their order."""
    for case in report.cases:
        if case.error:
            yield Finding(case, None, one_line(case.error))
        for output in case.outputs:
            if not output.holds:
                yield Finding(case, output, output_line(output))


def output_line(output: Output) -> str:
    """One line about an output: ``z: abs err 3.1e-3 > 1.0e-4 at (0, 7); got 0.5, recorded 0.4969; 12 of 500 values differ``."""
    name = one_line(output.name, 120)
    match output.verdict:
        case OutputVerdict.MISSING:
            return f"{name}: recorded, and the model has no such output"
        case OutputVerdict.UNRECORDED:
            return f"{name}: an output of the model for which the case has no value"
        case OutputVerdict.WAIVED if output.waiver is not None:
            return f"{name}: waived until {one_line(output.waiver.expires, 40)}: {one_line(output.waiver.reason)}"
        case _:
            if output.metrics is None or output.verdict is OutputVerdict.AGREES:
                return f"{name}: {one_line(output.reason) or output.verdict.value}"
            return f"{name}: {_worst(output.metrics, tolerance_used(output))}"


def summary(report: Report) -> str:
    """One sentence for the whole report."""
    outputs = [output for case in report.cases for output in case.outputs]
    if not report.cases:
        return "No case was checked, which shows nothing."
    scope = f"{plural(len({case.case for case in report.cases}), 'case')} on {_backends(report)}"
    if report.holds:
        waived = sum(output.verdict is OutputVerdict.WAIVED for output in outputs)
        besides = f", {waived} of them under a waiver" if waived else ""
        whole = "The one output agrees" if len(outputs) == 1 else f"All {count_figure(len(outputs))} outputs agree"
        return f"{whole} with what was recorded{besides}: {scope}."
    parts = []
    if differ := sum(not output.holds for output in outputs):
        parts.append(f"{count_figure(differ)} of {plural(len(outputs), 'output')} {'does' if differ == 1 else 'do'} not agree")
    if failed := sum(case.verdict is CaseVerdict.ERROR for case in report.cases):
        parts.append(f"{plural(failed, 'case')} came to nothing")
    if unstable := sum(not check.holds for check in report.determinism):
        parts.append(f"{plural(unstable, 'determinism check')} failed")
    sentence = ", ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}: {scope}."


def _backends(report: Report) -> str:
    names = sorted({one_line(case.backend, 60) for case in report.cases if case.backend})
    return ", ".join(names) if 0 < len(names) <= 3 else plural(len(names), "backend")


def _worst(metrics: Metrics, used: float | None) -> str:
    where = "" if metrics.worst_index is None else f" at {index_figure(metrics.worst_index)}"
    got, recorded = metrics.worst_got, metrics.worst_recorded
    values = "" if got is None else f"; got {value_figure(got)}, recorded {value_figure(recorded)}"
    special = [
        f"{count} {kind} on one side alone"
        for count, kind in ((metrics.nan_mismatches, "NaN"), (metrics.infinite_mismatches, "infinite"))
        if count
    ]
    share = f"; {count_figure(metrics.mismatches)} of {plural(metrics.elements, 'value')} differ"
    if special:
        return f"{', '.join(special)}{where}{values}{share}"
    if got is None or recorded is None:
        return f"max abs {error_figure(metrics.max_abs)}{where}{share}"
    error = abs(got - recorded)
    # The bound at this very element follows from how many times it is exceeded there.
    bound = "" if used is None or not math.isfinite(used) or used == 0 else f" > {error_figure(error / used)}"
    return f"abs err {error_figure(error)}{bound}{where}{values}{share}"
