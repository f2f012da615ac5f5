"""Where a difference arises: the searches for the first operator that differs by itself."""

from __future__ import annotations

from verify.report.document import Bisection, Layer, Report, Reproduction
from verify.report.figures import NONE, error_figure, plural, shape_figure
from verify.report.html.markup import Markup, joined, tag
from verify.report.html.plots.layers import layers_plot
from verify.report.html.table import Column, Row, badge, table

_COLUMNS = (
    Column("layer"),
    Column("operator"),
    Column("shape", "figure"),
    Column("by itself", "figure"),
    Column("relative", "figure"),
    Column("allowed", "figure"),
    Column("added up", "figure"),
    Column("SQNR dB", "figure"),
    Column("ONNX nodes", "code"),
    Column("verdict"),
)


def divergence(report: Report) -> Markup | None:
    """For each search a sentence, the plot, the files that reproduce it and the table of layers."""
    searched = [bisection for bisection in report.bisections if bisection.layers]
    return joined(*(_search(bisection) for bisection in searched)) if searched else None


def _search(bisection: Bisection) -> Markup:
    culprit = bisection.culprit
    if culprit is None:
        told = joined("No layer differs by itself: what differs at the outputs has added up from errors that are allowed each.")
    else:
        told = joined(
            "The difference arises at ",
            tag("b", f"{culprit.operator} {culprit.node}"),
            f": fed with the reference's own values it is off by {error_figure(culprit.forced_max_abs)}, "
            f"where {error_figure(culprit.allowed)} is allowed.",
        )
    where = joined(bisection.case, " ", tag("span", bisection.backend, class_="chip"))
    return tag(
        "div",
        tag("p", where, class_="where"),
        tag("p", told),
        layers_plot(bisection),
        _reproduction(bisection.reproduction) if bisection.reproduction is not None else None,
        tag("details", tag("summary", f"Table of {plural(len(bisection.layers), 'layer')}"), _table(bisection)),
        class_="card",
    )


def _reproduction(files: Reproduction) -> Markup:
    parts = [joined(tag("dt", name), tag("dd", tag("code", path))) for name, path in _files(files)]
    return tag("div", tag("h4", "Reproduce it"), tag("dl", *(tag("div", part) for part in parts), class_="pairs"), class_="sub")


def _files(files: Reproduction) -> list[tuple[str, str]]:
    return [("smallest model", files.onnx), ("its inputs", files.inputs), ("script", files.script)]


def _table(bisection: Bisection) -> Markup:
    rows = [_row(layer, marked=layer is bisection.culprit) for layer in bisection.layers]
    return table(f"Layers of {bisection.case} on {bisection.backend}", _COLUMNS, rows)


def _row(layer: Layer, *, marked: bool) -> Row:
    return Row(
        (
            layer.node,
            layer.operator,
            shape_figure(layer.shape),
            error_figure(layer.forced_max_abs),
            error_figure(layer.forced_max_rel),
            error_figure(layer.allowed),
            error_figure(layer.max_abs),
            NONE if layer.sqnr_db is None else f"{layer.sqnr_db:.1f}",
            ", ".join(layer.onnx_nodes) or NONE,
            badge(layer.verdict.value),
        ),
        class_="bad" if marked else None,
    )
