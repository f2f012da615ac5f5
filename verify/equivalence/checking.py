"""A golden case run through a backend: every recorded output compared, every output of the model accounted for."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from bridge.errors import BridgeError
from verify.equivalence.backends import Array, Backend
from verify.equivalence.cases import GoldenCase, RecordedVariable
from verify.equivalence.comparison import compare
from verify.equivalence.feeding import feeds, variable_name
from verify.equivalence.outputs import compare_output
from verify.equivalence.report import CaseReport, OutputReport, Verdict
from verify.equivalence.tolerances import tolerance_for


def check_case(backend: Backend, case: GoldenCase) -> CaseReport:
    """The case in ONE batch. What the input's fault prevents becomes the report's ``error``."""
    started = time.perf_counter()
    try:
        results = backend.run(feeds(case, backend.inputs))
    except BridgeError as error:
        return CaseReport(case.name, backend.name, error=str(error), seconds=time.perf_counter() - started)
    seconds = time.perf_counter() - started
    reports: list[OutputReport] = []
    accounted: set[str] = set()
    for output in case.outputs:
        name = variable_name(output.description, backend.outputs)
        if name is None:
            reports.append(_missing(output, results))
            continue
        accounted.add(name)
        reports.append(_compared(name, output, results[name]))
        lengths = f"{name}_lengths"
        if lengths in results and isinstance(output.value, list):
            accounted.add(lengths)
            reports.append(_lengths(lengths, output.value, results[lengths]))
    reports += [
        OutputReport(name, Verdict.UNRECORDED, str(results[name].dtype), reason="the case records no value for this output")
        for name in results
        if name not in accounted
    ]
    return CaseReport(case.name, backend.name, tuple(reports), seconds)


def _missing(output: RecordedVariable, results: Mapping[str, Array]) -> OutputReport:
    reason = f"the model has no such output, only {', '.join(map(repr, results))}; convert with --output to choose"
    return OutputReport(output.description.public_name, Verdict.MISSING, output.description.dtype, reason=reason)


def _compared(name: str, output: RecordedVariable, got: Array) -> OutputReport:
    tolerance = tolerance_for(np.dtype(output.description.dtype))
    comparison = compare_output(got, output.value, tolerance)
    verdict = Verdict.AGREES if comparison.agrees else Verdict.DIFFERS
    return OutputReport(name, verdict, output.description.dtype, tolerance, comparison, comparison.reason())


def _lengths(name: str, sequences: list[Array], got: Array) -> OutputReport:
    """The lengths of a sequence axis that the model made: they are recorded as the lengths of the sequences themselves."""
    want = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    tolerance = tolerance_for(np.dtype(np.int64))
    comparison = compare(got, want, tolerance)
    verdict = Verdict.AGREES if comparison.agrees else Verdict.DIFFERS
    return OutputReport(name, verdict, "int64", tolerance, comparison, comparison.reason())
