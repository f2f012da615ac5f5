"""Whether a module and an ONNX model compute the same, in the form of every equivalence report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from bridge.errors import InvalidOptionError
from bridge.harden.samples import Array
from verify.equivalence.assembling import assemble
from verify.equivalence.backends import Backend, RuntimeOptions
from verify.equivalence.backends.onnxruntime import OnnxRuntime
from verify.equivalence.cases import GoldenCase, RecordedVariable
from verify.equivalence.checking import check_case
from verify.equivalence.description import CaseDescription, VariableDescription
from verify.report.document import Model, Report

_BATCH_AXIS = ("defaultBatchAxis",)
_CASE = "samples"


def served(model: Path | bytes) -> OnnxRuntime:
    """The model in onnxruntime, on one thread."""
    return OnnxRuntime(model, options=RuntimeOptions(threads=1))


def agreement_report(
    module: torch.nn.Module, backend: Backend, input_name: str, x: Array, *, models: Sequence[Model] = (), command: str = ""
) -> Report:
    """The report on ``backend`` beside ``module``, on the samples ``x`` ``[N, ...]``: every output held against the twin's."""
    module.eval()
    with torch.no_grad():
        found = module(**{input_name: torch.tensor(x)})
    case = GoldenCase(
        folder=Path(_CASE),
        description=CaseDescription("model.onnx", "", (), (), refusal_expected=False, note=""),
        inputs=(_recorded(input_name, x),),
        outputs=tuple(_recorded(name, np.asarray(value)) for name, value in found.items()),
    )
    checked = replace(check_case(backend, case), reference="the twin in PyTorch")
    return assemble([checked], command=command, models=models, backends=[backend.identity])


def require_agreement(module: torch.nn.Module, backend: Backend, input_name: str, x: Array) -> None:
    """Raise ``InvalidOptionError`` unless the module computes what the package does: else another model would be hardened."""
    report = agreement_report(module, backend, input_name, x)
    if not report.holds:
        outputs = [output for case in report.cases for output in case.outputs]
        faults = (
            "; ".join(f"{output.name}: {output.reason or output.verdict.value}" for output in outputs) or report.cases[0].error
        )
        raise InvalidOptionError(f"the twin does not compute what the package does: {faults}"[:2000])


def _recorded(name: str, value: Array) -> RecordedVariable:
    description = VariableDescription(name, name, value.shape[1:], value.dtype.name, _BATCH_AXIS, sparse=False, sequences=None)
    return RecordedVariable(description, value)
