"""What was compared, with what, where and when: enough to do it again."""

from __future__ import annotations

from verify.report.document import Backend, Report
from verify.report.figures import plural
from verify.report.html.markup import Content, Markup, joined, tag
from verify.report.html.table import Column, Row, table

_MODELS = (Column("model"), Column("role"), Column("format"), Column("SHA-256", "code"))
_BACKENDS = (Column("backend"), Column("version"), Column("device"), Column("options", "code"))
_INPUTS = (Column("case"), Column("tensors' SHA-256", "code"), Column("model's SHA-256", "code"))


def provenance(report: Report) -> Markup:
    """Tool, machine, seeds, command, models, backends and inputs with their digests."""
    environment = report.environment
    pairs: list[tuple[str, Content]] = [
        ("made by", f"{report.tool.name} {report.tool.version}"),
        ("at", report.created),
        ("Python", environment.python),
        ("platform", environment.platform),
        ("processor", environment.cpu),
        ("packages", ", ".join(f"{name} {version}" for name, version in environment.packages.items())),
        ("seeds", ", ".join(f"{name} {seed}" for name, seed in report.seeds.items()) or "none"),
        ("schema", f"{report.kind} {report.schema_version}"),
    ]
    facts = tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs), class_="pairs")
    command = tag("pre", tag("code", report.command), tabindex="0") if report.command else None
    return joined(tag("div", facts, command, class_="card"), *_tables(report))


def _tables(report: Report) -> list[Markup]:
    tables = []
    if report.models:
        rows = [Row((model.name, model.role, model.format, model.sha256)) for model in report.models]
        tables.append(_folded(plural(len(rows), "model"), table("Models", _MODELS, rows), rows))
    if report.backends:
        rows = [Row((each.name, each.version, each.device, _options(each))) for each in report.backends]
        tables.append(table("Backends", _BACKENDS, rows))
    if report.inputs:
        rows = [Row((each.case, each.sha256, each.model_sha256)) for each in report.inputs]
        tables.append(_folded(f"Inputs of {plural(len(rows), 'case')}", table("Inputs", _INPUTS, rows), rows))
    return tables


def _folded(title: str, content: Markup, rows: list[Row]) -> Markup:
    return tag("details", tag("summary", title), content, open="" if len(rows) <= 4 else None)


def _options(backend: Backend) -> str:
    return ", ".join(f"{name}={value}" for name, value in backend.options.items()) or "none"
