"""Golden cases, the backends that run a converted model on them, and the comparison of what comes out.

load_case, find_cases     a folder -> GoldenCase, trusting nothing in it
backends                  a converted model -> Backend
check_case                Backend, GoldenCase -> a case of the report
compare                   two tensors -> Comparison

What is found goes into ``verify.report.document``, and ``verify.report`` shows it.
"""

from verify.equivalence.backends import Backend, BackendError, Port
from verify.equivalence.backends.onnxruntime import OnnxRuntime
from verify.equivalence.cases import GoldenCase, find_cases, load_case, load_description
from verify.equivalence.checking import check_case
from verify.equivalence.comparison import Comparison, compare
from verify.equivalence.rules import Rules
from verify.equivalence.tolerances import TOLERANCES, Tolerance, tolerance_for

__all__ = [
    "TOLERANCES",
    "Backend",
    "BackendError",
    "Comparison",
    "GoldenCase",
    "OnnxRuntime",
    "Port",
    "Rules",
    "Tolerance",
    "check_case",
    "compare",
    "find_cases",
    "load_case",
    "load_description",
    "tolerance_for",
]
