"""From a case that differs to the first operator that does."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path

from bridge.conversion import convert
from bridge.errors import ReferenceEngineError
from verify.equivalence.bisection import FirstOf, FreshConversion, RecordedValues, ReferenceValues, bisect_case, wanted_variables
from verify.equivalence.cases import GoldenCase
from verify.report.document import Bisection

FOLDER = "bisection"
"""Where, beside a report, the smallest graphs that show a difference lie: one folder for each case."""


def bisect(model: Path, case: GoldenCase, backend: str, report_folder: Path | None) -> Bisection:
    """The layers of a converted ONNX model beside CNTK's own values: the recorded ones, and all others where CNTK is installed.

    Where it is not, a file that today's conversion would make otherwise is held against that inside: no truth of CNTK's, but it
    finds the place where a file was damaged or edited.

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
    """The best values there are for what is inside: CNTK's own, else those of a fresh conversion, else none but the recorded."""
    from bridge.checking.reference import CntkValues
    from bridge.reference.engine import ReferenceEngine

    recorded = RecordedValues(case)
    try:
        return FirstOf([recorded, CntkValues(ReferenceEngine.find(), case, wanted_variables(model))])
    except ReferenceEngineError:
        fresh = _fresh(model, case)
        return recorded if fresh is None else FirstOf([recorded, fresh])


def _fresh(model: Path, case: GoldenCase) -> FreshConversion | None:
    """What a conversion of the source computes today, for a file that was converted some other day, or changed since.

    ``None`` where the file is what conversion makes today, which has nothing to be compared with but itself.
    """
    with tempfile.TemporaryDirectory(prefix="bridge-bisection-") as scratch:
        again = convert(case.model_path(), Path(scratch) / "model.onnx", outputs=case.output_names())
        if again.sha256 == hashlib.sha256(model.read_bytes()).hexdigest():
            return None
    return FreshConversion(case.model_path(), case, case.output_names())
