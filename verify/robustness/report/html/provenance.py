"""What was tested, with what, where and when: enough to do it again."""

from __future__ import annotations

from verify.report.html.markup import Content, Markup, joined, tag
from verify.report.html.table import Column, Row, table
from verify.robustness.document import RobustnessReport
from verify.robustness.report.sentences import share_text, threats_text

_MODELS = (Column("model"), Column("role"), Column("format"), Column("SHA-256", "code"))
_SIDES = (Column("side"), Column("runs in"), Column("accuracy as it is", "figure"))


def provenance(report: RobustnessReport) -> Markup:
    """Tool, machine, seeds, data, command, and the models with their digests."""
    environment, data = report.environment, report.data
    pairs: list[tuple[str, Content]] = [
        ("made by", f"{report.tool.name} {report.tool.version}"),
        ("at", report.created),
        ("threats", threats_text(report)),
        ("seeds", ", ".join(f"{name} {seed}" for name, seed in report.seeds.items()) or "none"),
        ("Python", environment.python),
        ("platform", environment.platform),
        ("processor", environment.cpu),
        ("packages", ", ".join(f"{name} {version}" for name, version in environment.packages.items())),
        ("schema", f"{report.kind} {report.schema_version}"),
    ]
    if data is not None:
        if data.steps:
            pairs.append(("labelled steps", f"{data.steps}; a sequence is right when all of its own are"))
        shape = " × ".join(str(extent) for extent in data.shape)
        pairs += [
            ("samples", f"{data.samples} of {data.input}, {shape} {data.dtype}, {data.classes} classes of {data.output}"),
            ("data's SHA-256", tag("code", data.sha256 or "not from a file")),
        ]
    facts = tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs), class_="pairs")
    command = tag("pre", tag("code", report.command), tabindex="0") if report.command else None
    rows = [Row((model.name, model.role, model.format, model.sha256)) for model in report.models]
    sides = [Row((side.role, side.runtime, share_text(side.accuracy))) for side in report.sides]
    tables = [table("Models", _MODELS, rows)] if rows else []
    tables += [table("Sides", _SIDES, sides)] if sides else []
    return joined(tag("div", facts, command, class_="card"), *tables)
