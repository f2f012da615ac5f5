"""The report of a robustness test: frozen data in the envelope of every report, and its JSON form.

Verdicts are derived from the gates and the checks, written for readers, and held against the rest when the document is read: a
report cannot say PASS over a check that was raised.
"""

from verify.robustness.document.attack import Attack, Distances, Kind, Queries
from verify.robustness.document.check import Check, CheckStatus
from verify.robustness.document.curve import CurvePoint
from verify.robustness.document.example import Example
from verify.robustness.document.gate import Gate
from verify.robustness.document.parity import Parity
from verify.robustness.document.report import Data, RobustnessReport, Side
from verify.robustness.document.result import ThreatModel, ThreatResult
from verify.robustness.document.verdict import Verdict

__all__ = [
    "Attack",
    "Check",
    "CheckStatus",
    "CurvePoint",
    "Data",
    "Distances",
    "Example",
    "Gate",
    "Kind",
    "Parity",
    "Queries",
    "RobustnessReport",
    "Side",
    "ThreatModel",
    "ThreatResult",
    "Verdict",
]
