"""From an output that differs to the first operator that differs, layer by layer, each fed with the reference's own values.

In a network's own run a fault shows in everything behind it. So every layer is run on what the reference computed before it
(teacher forcing): a layer that then differs does so by itself.
"""

from __future__ import annotations

from pathlib import Path

from verify.equivalence.bisection.graph import ConvertedGraph, Part
from verify.equivalence.bisection.judging import Judged, judge
from verify.equivalence.bisection.reference_values import ReferenceValues
from verify.equivalence.bisection.reproduction import empty_part, layer_part, write_reproduction
from verify.equivalence.bisection.running import backend_name
from verify.equivalence.bisection.runs import Runs
from verify.equivalence.cases import GoldenCase
from verify.report.document import Bisection, LayerVerdict


def wanted_variables(model: Path | bytes) -> tuple[str, ...]:
    """The uids of the variables that ``bisect_case`` can use values of, in the order of computation."""
    origins = ConvertedGraph(model).origins
    return tuple(dict.fromkeys(uid for origin in origins for uid in origin.variables))


def bisect_case(model: Path | bytes, case: GoldenCase, values: ReferenceValues, folder: Path | None = None) -> Bisection:
    """Compare a converted ONNX model with the reference layer by layer, on the inputs of ``case``.

    A layer ends where ``values`` has a value of the reference; with few values the layers are long. Where one differs and
    ``folder`` is given, the smallest subgraph that shows it is written there, with its inputs and a script that runs it.

    Raises ``BackendError`` for what is no converted model, ``InvalidPackageError`` for one whose metadata are damaged,
    ``InvalidGoldenCaseError`` where the case does not fit the model, ``WriteError`` where the folder cannot be written.
    """
    runs = Runs(ConvertedGraph(model), case, values)
    judged = list(judge(runs))
    culprit = next((item for item in judged if item.row.verdict is LayerVerdict.DIFFERS), None)
    reproduction = None
    if folder is not None and culprit is not None:
        reproduction = write_reproduction(_part(runs, culprit), culprit.known, culprit.tolerance, folder)
    return Bisection(
        case=case.name,
        backend=backend_name(),
        layers=tuple(item.row for item in judged),
        first_divergence=None if culprit is None else culprit.row.index,
        reproduction=reproduction,
    )


def _part(runs: Runs, judged: Judged) -> Part:
    if judged.layer is not None:
        return layer_part(runs, judged.layer)
    assert judged.before is not None
    return empty_part(judged.known, judged.before)
