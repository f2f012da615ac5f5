"""The specification's own golden cases, where the specification lies beside the checkout."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import bridge
from bridge.checking import check_recorded
from verify.equivalence import find_cases
from verify.equivalence.backends import Array
from verify.equivalence.backends.onnxruntime import OnnxRuntime
from verify.equivalence.cases import GoldenCase, RecordedVariable, load_case, load_description
from verify.equivalence.checking import check_case
from verify.report.terminal import findings

SHARED = Path(__file__).parents[2] / "shared" / "golden-cases"
MODELS = find_cases(SHARED / "models") if SHARED.is_dir() else ()
FAMILIES = sorted(folder for group in ("cntk-tests", "legacy-models") for folder in (SHARED / group).glob("*/"))


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_converted_network_computes_what_cntk_computed(folder: Path) -> None:
    report = check_recorded(folder)
    assert report.holds, "\n".join(findings(report))


@pytest.mark.slow
@pytest.mark.skipif(not FAMILIES, reason="the specification does not lie beside the checkout")
def test_models_that_cntk_saved_in_the_legacy_format_hold(tmp_path: Path) -> None:
    problems = [problem for folder in find_cases(SHARED / "v1-saved") if (problem := _problem(folder, tmp_path))]
    assert not problems, "\n".join(problems)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.relative_to(SHARED).as_posix())
def test_every_case_of_a_family_holds(family: Path, tmp_path: Path) -> None:
    problems = [problem for folder in find_cases(family) if (problem := _problem(folder, tmp_path))]
    assert not problems, "\n".join(problems)


def _problem(folder: Path, scratch: Path) -> str | None:
    """What does not hold of a case; models of user code must be refused."""
    description = load_description(folder)
    destination = scratch / "model.onnx"
    refused = description.refusal_expected
    try:
        bridge.convert(folder / "model.dnn", destination, outputs=[output.public_name for output in description.outputs])
    except bridge.BridgeError as error:
        return None if refused else f"{folder.name}: {error}"
    if refused:
        return f"{folder.name}: holds user code and was converted"
    case = _as_described(load_case(folder))
    report = check_case(OnnxRuntime(destination), case)
    return None if report.holds else f"{folder.name}: {report}"


def _as_described(case: GoldenCase) -> GoldenCase:
    """The case with inputs of the rank that its description states.

    36 cases with free axes record an input without its batch axis, or with an axis too many (docs/adr/0006). The axes that they
    describe are the last ones; what stands in front is the batch.
    """
    return dataclasses.replace(case, inputs=tuple(_input_as_described(variable) for variable in case.inputs))


def _input_as_described(variable: RecordedVariable) -> RecordedVariable:
    rank = len(variable.description.shape)
    if isinstance(variable.value, list):
        return dataclasses.replace(variable, value=[_with_rank(sequence, 1 + rank) for sequence in variable.value])
    if len(variable.description.dynamic_axes) != 1:
        return variable
    return dataclasses.replace(variable, value=_with_rank(variable.value, 1 + rank))


def _with_rank(value: Array, rank: int) -> Array:
    """The value with everything in front of its last ``rank - 1`` axes as one axis."""
    return value if value.ndim == rank else np.reshape(value, (-1, *value.shape[value.ndim - rank + 1 :]))
