"""Golden cases, the backends that run a converted model on them, and the comparison of what comes out.

load_case, find_cases     a folder -> GoldenCase, trusting nothing in it
OnnxRuntimeCpu            an ONNX file -> Backend
check_case                Backend, GoldenCase -> CaseReport
EquivalenceReport         what ``verify.report`` shows
"""

from verify.equivalence.backends import Backend, BackendError, Port
from verify.equivalence.cases import GoldenCase, find_cases, load_case, load_description
from verify.equivalence.checking import check_case
from verify.equivalence.comparison import Comparison, compare
from verify.equivalence.onnxruntime_cpu import OnnxRuntimeCpu
from verify.equivalence.report import CaseReport, EquivalenceReport, OutputReport, Verdict
from verify.equivalence.tolerances import TOLERANCES, Tolerance, tolerance_for

__all__ = [
    "TOLERANCES",
    "Backend",
    "BackendError",
    "CaseReport",
    "Comparison",
    "EquivalenceReport",
    "GoldenCase",
    "OnnxRuntimeCpu",
    "OutputReport",
    "Port",
    "Tolerance",
    "Verdict",
    "check_case",
    "compare",
    "find_cases",
    "load_case",
    "load_description",
    "tolerance_for",
]
