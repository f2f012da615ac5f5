"""From a case that differs to the first operator that does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bridge.errors import ReferenceEngineError
from verify.equivalence.bisection import FirstOf, RecordedValues, ReferenceValues, bisect_case, wanted_variables
from verify.equivalence.cases import GoldenCase
from verify.report.document import Bisection

FOLDER = "bisection"
"""Where, beside a report, the smallest graphs that show a difference lie: one folder for each case."""


def bisect(model: Path, case: GoldenCase, backend: str, report_folder: Path | None) -> Bisection:
    """The layers of a converted ONNX model beside CNTK's own values: the recorded ones, and all others where CNTK is installed.

    Raises what ``verify.equivalence.bisection.bisect_case`` raises.
    """
    destination = None if report_folder is None else report_folder / FOLDER / case.name
    found = replace(bisect_case(model, case, _values(model, case), destination), backend=backend)
    if found.reproduction is None:
        return found
    files = found.reproduction
    prefix = f"{FOLDER}/{case.name}"
    return replace(
        found,
        reproduction=replace(
            files, onnx=f"{prefix}/{files.onnx}", inputs=f"{prefix}/{files.inputs}", script=f"{prefix}/{files.script}"
        ),
    )


def _values(model: Path, case: GoldenCase) -> ReferenceValues:
    from bridge.checking.reference import CntkValues
    from bridge.reference.engine import ReferenceEngine

    recorded = RecordedValues(case)
    try:
        return FirstOf([recorded, CntkValues(ReferenceEngine.find(), case, wanted_variables(model))])
    except ReferenceEngineError:
        # Without CNTK the layers are as long as the way from one recorded value to the next.
        return recorded
