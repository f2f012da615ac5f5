"""Whether a model, converted or not yet, computes what its golden cases recorded."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bridge.conversion import SOURCE_SHA256, convert
from bridge.errors import BridgeError, InvalidGoldenCaseError, RefusedError
from verify.equivalence.cases import GoldenCase, find_cases, load_case, load_description
from verify.equivalence.checking import check_case
from verify.equivalence.onnxruntime_cpu import OnnxRuntimeCpu
from verify.equivalence.report import CaseReport, EquivalenceReport


def check(model: str | os.PathLike[str], golden: str | os.PathLike[str]) -> EquivalenceReport:
    """Check ``model`` on the case in ``golden``, or on all those below it that were recorded from this model.

    A ``.onnx`` file is run as it is; anything else is taken for a CNTK model and converted first, with the outputs that the
    case records. Raises ``BridgeError`` where the model or the cases cannot be used; a difference is the report's to tell.
    """
    path = Path(model)
    if path.suffix.lower() == ".onnx":
        return check_converted(path, Path(golden))
    from bridge.sealed import SealedSource

    with SealedSource(path) as source:
        cases = _cases_of(Path(golden), source.sha256())
    return EquivalenceReport(tuple(_check_source(path, case) for case in cases))


def check_converted(model: Path, golden: Path) -> EquivalenceReport:
    """Check an ONNX file, whose metadata says which source it was converted from."""
    backend = OnnxRuntimeCpu(model)
    cases = _cases_of(golden, backend.metadata.get(SOURCE_SHA256))
    return EquivalenceReport(tuple(check_case(backend, case) for case in cases))


def check_converted_torch(folder: Path, golden: Path) -> EquivalenceReport:
    """Check the folder of a PyTorch module, whose ``model.py`` is run: for folders that were written just now."""
    from verify.equivalence.pytorch_cpu import PyTorchCpu

    backend = PyTorchCpu(folder)
    cases = _cases_of(golden, backend.metadata.get(SOURCE_SHA256))
    return EquivalenceReport(tuple(check_case(backend, case) for case in cases))


def check_recorded(golden: str | os.PathLike[str]) -> EquivalenceReport:
    """Check every case in or below ``golden`` on its own model. A model that holds user code holds when it is refused."""
    reports = []
    for folder in find_cases(Path(golden)):
        case = load_case(folder)
        check_one = _check_refusal if case.description.refusal_expected else _check_source
        try:
            reports.append(check_one(case.model_path(), case))
        except BridgeError as error:
            reports.append(CaseReport(case.name, "", error=str(error)))
    return EquivalenceReport(tuple(reports))


def _cases_of(golden: Path, source_sha256: str | None) -> Sequence[GoldenCase]:
    """The cases that were recorded from the source; all of them where the source is not known."""
    folders = find_cases(golden)
    if source_sha256 is not None:
        folders = tuple(folder for folder in folders if load_description(folder).model_sha256 == source_sha256)
    if not folders:
        raise InvalidGoldenCaseError(
            f"{golden}: no case there was recorded from this model, whose source has the SHA-256 {source_sha256}"
        )
    return [load_case(folder) for folder in folders]


def _check_source(model: Path, case: GoldenCase) -> CaseReport:
    with tempfile.TemporaryDirectory(prefix="bridge-check-") as scratch:
        destination = Path(scratch) / "model.onnx"
        convert(model, destination, outputs=case.output_names())
        return check_case(OnnxRuntimeCpu(destination), case)


def _check_refusal(model: Path, case: GoldenCase) -> CaseReport:
    try:
        _check_source(model, case)
    except RefusedError as error:
        return CaseReport(case.name, "", note="refused, as it has to be: " + str(error).split("\n", maxsplit=1)[0])
    return CaseReport(case.name, "", error="was converted, though the model holds user code and has to be refused")
