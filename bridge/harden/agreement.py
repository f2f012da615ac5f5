"""Whether a module and an ONNX model compute the same, in the form of every equivalence report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from bridge.errors import InvalidOptionError
from bridge.harden.samples import Array
from bridge.package.interface import Tensor
from verify.equivalence.assembling import assemble
from verify.equivalence.backends import Backend, RuntimeOptions
from verify.equivalence.backends.onnxruntime import OnnxRuntime
from verify.equivalence.cases import Batch, GoldenCase, RecordedVariable
from verify.equivalence.checking import check_case
from verify.equivalence.description import CaseDescription, VariableDescription
from verify.report.document import Model, Report

_BATCH_AXES = ("defaultBatchAxis",)
_STEP_AXES = ("defaultBatchAxis", "defaultDynamicAxis")
_CASE = "samples"


def served(model: Path | bytes) -> OnnxRuntime:
    """The model in onnxruntime, on one thread."""
    return OnnxRuntime(model, options=RuntimeOptions(threads=1))


def agreement_report(
    module: torch.nn.Module,
    backend: Backend,
    feeds: Mapping[str, Array],
    *,
    outputs: Sequence[Tensor] = (),
    models: Sequence[Model] = (),
    command: str = "",
) -> Report:
    """The report on ``backend`` beside ``module``, both fed with ``feeds``: every output held against the module's.

    ``outputs`` say which of them are padded sequences, and by which input's lengths: what lies behind an end is not compared.
    """
    module.eval()
    with torch.no_grad():
        found = module(**{name: torch.tensor(value) for name, value in feeds.items()})
    ends = {tensor.name: feeds[tensor.lengths] for tensor in outputs if tensor.lengths in feeds}
    case = GoldenCase(
        folder=Path(_CASE),
        description=CaseDescription("model.onnx", "", (), (), refusal_expected=False, note=""),
        inputs=tuple(_recorded(name, value) for name, value in feeds.items()),
        outputs=tuple(_recorded(name, np.asarray(value), ends.get(name)) for name, value in found.items()),
    )
    checked = replace(check_case(backend, case), reference="the twin in PyTorch")
    return assemble([checked], command=command, models=models, backends=[backend.identity])


def require_agreement(
    module: torch.nn.Module, backend: Backend, feeds: Mapping[str, Array], outputs: Sequence[Tensor] = ()
) -> None:
    """Raise ``InvalidOptionError`` unless the module computes what the package does: else another model would be hardened."""
    report = agreement_report(module, backend, feeds, outputs=outputs)
    if not report.holds:
        judged = [output for case in report.cases for output in case.outputs]
        faults = (
            "; ".join(f"{output.name}: {output.reason or output.verdict.value}" for output in judged) or report.cases[0].error
        )
        raise InvalidOptionError(f"the twin does not compute what the package does: {faults}"[:2000])


def _recorded(name: str, value: Array, lengths: Array | None = None) -> RecordedVariable:
    if lengths is None:
        description = VariableDescription(
            name, name, value.shape[1:], value.dtype.name, _BATCH_AXES, sparse=False, sequences=None
        )
        return RecordedVariable(description, value)
    sequences: Batch = [row[: int(length)] for row, length in zip(value, lengths, strict=True)]
    description = VariableDescription(
        name, name, value.shape[2:], value.dtype.name, _STEP_AXES, sparse=False, sequences=len(value)
    )
    return RecordedVariable(description, sequences)
