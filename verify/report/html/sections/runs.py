"""Every case on every backend: first as a matrix, then with all its figures."""

from __future__ import annotations

from collections.abc import Iterator

from verify.report.document import Case, Output, OutputVerdict, Report
from verify.report.figures import (
    NONE,
    error_figure,
    plural,
    seconds_figure,
    shape_figure,
    share_figure,
    tolerance_figure,
    tolerance_used,
)
from verify.report.html.markup import Markup, joined, tag
from verify.report.html.table import Column, Row, badge, table
from verify.report.visible import one_line

_COLUMNS = (
    Column("case"),
    Column("output"),
    Column("type"),
    Column("shape", "figure"),
    Column("max abs", "figure"),
    Column("max rel", "figure"),
    Column("median ULP", "figure"),
    Column("SQNR dB", "figure"),
    Column("needed", "figure"),
    Column("would pass at", "figure"),
    Column("flips", "figure"),
    Column("verdict"),
)
OPEN_UP_TO = 60  # rows of a backend that are shown without being asked for


def runs(report: Report) -> Markup | None:
    """The matrix of verdicts, and for each backend a table of outputs."""
    if not report.cases:
        return None
    backends = list(dict.fromkeys(case.backend for case in report.cases))
    tables = [_backend(backend, [case for case in report.cases if case.backend == backend]) for backend in backends]
    return joined(_matrix(report, backends), *tables)


def _matrix(report: Report, backends: list[str]) -> Markup:
    by_case: dict[str, dict[str, Case]] = {}
    for case in report.cases:
        by_case.setdefault(case.case, {})[case.backend] = case
    columns = [Column("case"), *(Column(backend or "before any backend") for backend in backends)]
    rows = {name: Row([name, *(_verdict(of_case.get(backend)) for backend in backends)]) for name, of_case in by_case.items()}
    # A case that fails somewhere stands above those that hold everywhere, which are folded where they are many.
    holding = [name for name, of_case in by_case.items() if all(case.holds for case in of_case.values())]
    failing = [row for name, row in rows.items() if name not in set(holding)]
    if len(rows) <= OPEN_UP_TO:
        return table("Cases by backend", columns, [*failing, *(rows[name] for name in holding)])
    title = f"{plural(len(holding), 'case')} that hold on every backend"
    folded = tag("details", tag("summary", title), table(title, columns, [rows[name] for name in holding]))
    return joined(table("Cases that do not hold", columns, failing) if failing else None, folded)


def _verdict(case: Case | None) -> Markup | str:
    if case is None:
        return NONE
    used = [share for output in case.outputs if (share := tolerance_used(output)) is not None]
    waived = any(output.verdict is OutputVerdict.WAIVED for output in case.outputs)
    told = [*([share_figure(max(used))] if used else []), seconds_figure(case.seconds), *(["under a waiver"] if waived else [])]
    return joined(badge(case.verdict.value), " ", tag("small", " · ".join(told), class_="muted"))


def _backend(backend: str, cases: list[Case]) -> Markup:
    rows = [row for case in cases for row in _rows(case)]
    heading = f"{backend or 'Before any backend'}: {plural(len(rows), 'output')} with all figures"
    opened = "" if len(rows) <= OPEN_UP_TO else None
    return tag("details", tag("summary", heading), table(heading, _COLUMNS, rows), open=opened)


def _rows(case: Case) -> Iterator[Row]:
    for output in case.outputs:
        yield Row((case.case, output.name, *_figures(output), badge(output.verdict.value)), None if output.holds else "bad")
    if case.error or not case.outputs:
        told = one_line(case.error or case.note or "no outputs", 70)
        yield Row((case.case, told, *[NONE] * 9, badge(case.verdict.value)), None if case.holds else "bad")


def _figures(output: Output) -> list[str]:
    metrics, agreement = output.metrics, output.agreement
    about = [output.dtype or NONE, shape_figure(output.shape)]
    if metrics is None:
        return [*about, *[NONE] * 7]
    return [
        *about,
        error_figure(metrics.max_abs),
        error_figure(metrics.max_rel),
        error_figure(metrics.median_ulp),
        NONE if metrics.sqnr_db is None else f"{metrics.sqnr_db:.1f}",
        share_figure(tolerance_used(output)),
        "no tolerance" if metrics.minimum is None else tolerance_figure(metrics.minimum),
        NONE if agreement is None else f"{agreement.argmax_flips} of {agreement.samples}",
    ]
