"""The rules that a check of equivalence can break, as code scanning lists them: identifiers never change their meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from verify.report.document import OutputVerdict


@dataclass(frozen=True, slots=True)
class Rule:
    """``level`` is SARIF's: error, warning or note."""

    identifier: str
    name: str
    level: str
    short: str
    advice: str

    def to_json(self) -> dict[str, Any]:
        """SARIF's reportingDescriptor."""
        return {
            "id": self.identifier,
            "name": self.name,
            "shortDescription": {"text": self.short},
            "fullDescription": {"text": self.short},
            "defaultConfiguration": {"level": self.level},
            "help": {"text": f"{self.short} {self.advice}", "markdown": f"**{self.short}**\n\n{self.advice}"},
            "properties": {
                "tags": ["equivalence"],
                "precision": "very-high",
                "problem.severity": self.level.replace("note", "recommendation"),
            },
        }


OUTPUT_DIFFERS = Rule(
    "EQ001",
    "OutputDiffers",
    "error",
    "An output of the converted model lies further from the recorded value than its tolerance allows.",
    "The report's bisection names the first operator that differs by itself. If the difference is understood and harmless, a "
    "waiver with a reason and an expiry date allows a wider tolerance; the message says which would pass.",
)
OUTPUT_MISSING = Rule(
    "EQ002",
    "OutputMissing",
    "error",
    "The case records an output that the converted model does not have.",
    "Convert the model with all the outputs that the case records.",
)
OUTPUT_UNRECORDED = Rule(
    "EQ003",
    "OutputUnrecorded",
    "error",
    "The converted model has an output for which the case records no value, so that it was not compared.",
    "Record the case again with this output, or convert without it.",
)
CASE_FAILED = Rule(
    "EQ004",
    "CaseFailed",
    "error",
    "A case came to nothing before its outputs could be compared.",
    "The message says what could not be read, converted or run.",
)
NOT_DETERMINISTIC = Rule(
    "EQ005",
    "NotDeterministic",
    "error",
    "A change that should not matter changes the outputs: a repetition, other threads, another optimisation level or batch.",
    "Fix the number of threads and the optimisation level in production, or find the operator that depends on them.",
)
FIRST_DIVERGENCE = Rule(
    "EQ006",
    "FirstDivergence",
    "error",
    "Fed with the reference's own values, this operator computes something else: the difference arises here.",
    "The report's folder holds the smallest model that shows it, with inputs and a script.",
)
NOTHING_CHECKED = Rule(
    "EQ007",
    "NothingChecked",
    "error",
    "No case was checked, which shows nothing.",
    "Name a folder of golden cases that were recorded from this model.",
)
WAIVER_UNUSED = Rule(
    "EQ008",
    "WaiverUnused",
    "note",
    "A waiver was not needed.",
    "Remove it, so that it cannot hide a difference to come.",
)

RULES = (
    OUTPUT_DIFFERS,
    OUTPUT_MISSING,
    OUTPUT_UNRECORDED,
    CASE_FAILED,
    NOT_DETERMINISTIC,
    FIRST_DIVERGENCE,
    NOTHING_CHECKED,
    WAIVER_UNUSED,
)

RULE_OF_VERDICT = {
    OutputVerdict.DIFFERS: OUTPUT_DIFFERS,
    OutputVerdict.WAIVED: OUTPUT_DIFFERS,
    OutputVerdict.MISSING: OUTPUT_MISSING,
    OutputVerdict.UNRECORDED: OUTPUT_UNRECORDED,
}
