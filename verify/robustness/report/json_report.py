"""The report as JSON: the form that is signed and kept. ``schema/robustness-2.0.json`` is its schema."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from bridge.trust import strict_json
from verify.robustness.document import RobustnessReport


def render_json(report: RobustnessReport) -> str:
    """The same text for the same report: sorted members, ASCII, no number that JSON lacks."""
    return json.dumps(report.to_json(), allow_nan=False, indent=1, sort_keys=True) + "\n"


def parse_json(data: bytes) -> RobustnessReport:
    """The report that ``render_json`` wrote. ``InvalidReportError`` or ``InvalidBundleError`` name the member that is amiss."""
    return RobustnessReport.from_json(strict_json.parse(data, what="the report"))


def json_schema() -> dict[str, Any]:
    """The published JSON Schema (2020-12) of a robustness report."""
    text = files("verify.robustness.report").joinpath("schema", "robustness-2.0.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
