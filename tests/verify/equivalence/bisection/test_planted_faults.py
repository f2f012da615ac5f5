"""Each planted fault is named for what it is, and its reproduction shows it without this project."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

import bridge
from tests.verify.equivalence.bisection.planted_faults import FAULTS, Fault, later_epsilon
from verify.equivalence.bisection import RecordedValues, bisect_case
from verify.equivalence.cases import load_case
from verify.report.document import LayerVerdict

RECORDED = Path(__file__).with_name("recorded")

NO_SINGLE_FIGURE = {
    "floor for ceil",  # another shape
    "concatenated along another axis",  # another shape
    "padded steps leak",  # infinite
}


def converted(folder: Path, network: str) -> Path:
    return bridge.convert(RECORDED / network / "model.dnn", folder / "model.onnx").destination


@pytest.mark.parametrize("network", ["image", "text"])
@pytest.mark.parametrize("fold", [True, False])
def test_nothing_differs_in_a_healthy_model(network: str, fold: bool, tmp_path: Path) -> None:
    case = load_case(RECORDED / network)
    result = bridge.convert(case.model_path(), tmp_path / "model.onnx", fold=fold)
    found = bisect_case(result.destination, case, RecordedValues(case), tmp_path / "shown")
    assert found.first_divergence is None
    assert len(found.layers) >= 15
    assert {layer.verdict for layer in found.layers} == {LayerVerdict.AGREES}
    assert all(layer.forced_max_abs is not None and layer.allowed is not None for layer in found.layers)
    # The widest of the layers uses a small part of what it is allowed: the tolerance is not what makes them agree.
    assert max((layer.forced_max_abs or 0) / (layer.allowed or 1) for layer in found.layers) < 0.1
    assert found.reproduction is None
    assert not (tmp_path / "shown").exists()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_named_and_reproduced(
    fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = load_case(RECORDED / fault.network)
    if fault.lowering is not None:
        fault.lowering(monkeypatch)
    path = converted(tmp_path, fault.network)
    if fault.edit is not None:
        model = onnx.load(path)
        fault.edit(model.graph)
        onnx.save(model, path)
    found = bisect_case(path, case, RecordedValues(case), tmp_path / "shown")
    assert found.culprit is not None
    assert found.culprit.node == fault.node
    assert all(layer.verdict is LayerVerdict.AGREES for layer in found.layers[: found.culprit.index])
    types = {node.name: node.op_type for node in onnx.load(path).graph.node}
    named = {types[name] for name in found.culprit.onnx_nodes}
    assert fault.onnx_operator in named if fault.onnx_operator else not named
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(tmp_path / "shown" / "reproduce.py"), run_name="__main__")
    said = capsys.readouterr().out
    assert end.value.code == 1
    assert fault.node in said
    assert "DIFFERS" in said
    if fault.name not in NO_SINGLE_FIGURE:
        assert found.culprit.forced_max_abs == pytest.approx(figure_in(said), rel=1e-5)


def figure_in(said: str) -> float:
    found = re.search(r"DIFFERS: error (\S+) at", said)
    assert found is not None, said
    return float(found.group(1))


def test_reproduction_needs_nothing_of_this_project(tmp_path: Path) -> None:
    """Run as a person would who was sent the folder; put right, the layer agrees."""
    path = converted(tmp_path, "image")
    model = onnx.load(path)
    later_epsilon(model.graph)
    onnx.save(model, path)
    case = load_case(RECORDED / "image")
    found = bisect_case(path, case, RecordedValues(case), tmp_path / "shown")
    assert found.reproduction is not None
    assert sorted(file.name for file in (tmp_path / "shown").iterdir()) == sorted(
        [found.reproduction.onnx, found.reproduction.inputs, found.reproduction.script]
    )
    command = [sys.executable, "-I", str(tmp_path / "shown" / found.reproduction.script)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert (ran.returncode, ran.stderr) == (1, "")
    assert found.culprit is not None
    assert found.culprit.forced_max_abs == pytest.approx(figure_in(ran.stdout), rel=1e-5)
    layer = onnx.load(tmp_path / "shown" / "layer.onnx")
    assert [node.op_type for node in layer.graph.node] == ["BatchNormalization"]
    layer.graph.node[0].attribute[0].f = 0.02
    onnx.save(layer, tmp_path / "shown" / "layer.onnx")
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert ran.returncode == 0
    assert "agrees: error" in ran.stdout
