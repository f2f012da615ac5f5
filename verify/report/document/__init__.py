"""The document of an equivalence check: frozen data that every report is made from, and the JSON form that is signed and kept.

``Report.to_json()`` and ``Report.from_json()`` mirror each other; ``verify/report/schema/equivalence-1.0.json`` is the published
form. What can be derived (verdicts, above all) is derived, written for readers, and checked when read: a report cannot say
"equivalent" over a case that differs.
"""

from verify.report.document.agreement import Agreement, Nearer, Referee
from verify.report.document.bisection import Bisection, Layer, LayerVerdict, Reproduction
from verify.report.document.case import Case, CaseVerdict
from verify.report.document.determinism import Determinism, DeterminismVerdict
from verify.report.document.envelope import Environment, Model, Tool
from verify.report.document.metrics import Histogram, Metrics, Minimum
from verify.report.document.output import Allowed, Output, OutputVerdict
from verify.report.document.report import Backend, Input, Report
from verify.report.document.waiver import Waiver

__all__ = [
    "Agreement",
    "Allowed",
    "Backend",
    "Bisection",
    "Case",
    "CaseVerdict",
    "Determinism",
    "DeterminismVerdict",
    "Environment",
    "Histogram",
    "Input",
    "Layer",
    "LayerVerdict",
    "Metrics",
    "Minimum",
    "Model",
    "Nearer",
    "Output",
    "OutputVerdict",
    "Referee",
    "Report",
    "Reproduction",
    "Tool",
    "Waiver",
]
