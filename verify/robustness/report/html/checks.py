"""The signs of masked gradients that were looked for."""

from __future__ import annotations

from verify.report.html.markup import Markup, joined, tag
from verify.report.html.table import Column, Row, table
from verify.robustness.document import CheckStatus, ThreatResult

_CHECKS = (Column("sign"), Column("status"), Column("seen", "prose"))
_GATES = (Column("gate"), Column("status"), Column("bound", "figure"), Column("required", "figure"), Column("detail", "prose"))
_SIGNS = {CheckStatus.CLEAR: "✓", CheckStatus.NOTED: "≈", CheckStatus.RAISED: "✗", CheckStatus.SKIPPED: "–"}
_CLASSES = {
    CheckStatus.CLEAR: "agrees",
    CheckStatus.NOTED: "waived",
    CheckStatus.RAISED: "differs",
    CheckStatus.SKIPPED: "skipped",
}


def checks(result: ThreatResult) -> Markup | None:
    """The table of signs, and that of gates."""
    tables = []
    if result.checks:
        rows = [
            Row(
                (check.name, _badge(_SIGNS[check.status], check.status.value, _CLASSES[check.status]), check.detail),
                "bad" if check.status is CheckStatus.RAISED else None,
            )
            for check in result.checks
        ]
        tables.append(table("Signs of masking", _CHECKS, rows))
    if result.gates:
        rows = [
            Row(
                (
                    gate.name,
                    _badge("✓", "holds", "agrees") if gate.holds else _badge("✗", "missed", "differs"),
                    f"{gate.bound:.3g}",
                    f"{gate.required:.3g}",
                    gate.detail or "a bound at 95 %, never the estimate",
                ),
                None if gate.holds else "bad",
            )
            for gate in result.gates
        ]
        tables.append(table("Gates", _GATES, rows))
    return joined(*tables) if tables else None


def _badge(sign: str, word: str, class_: str) -> Markup:
    return tag("span", tag("span", sign, aria_hidden="true"), f" {word}", class_=f"badge {class_}")
