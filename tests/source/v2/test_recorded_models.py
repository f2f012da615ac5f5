"""Every recorded v2 model, ours and the specification's, is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.graph.model import Model, VariableKind
from bridge.source import detect_format, read_model

ROOT = Path(__file__).parents[3]
FOLDERS = {"golden": ROOT / "golden", "shared": ROOT.parent / "shared" / "golden-cases"}


def v2_models(folder: Path) -> Iterator[tuple[Path, Model]]:
    for path in sorted(folder.rglob("model.dnn")):
        data = memoryview(path.read_bytes())
        if detect_format(data) == "v2":
            yield path, read_model(data)


@pytest.mark.parametrize("name", FOLDERS)
def test_every_recorded_model_is_read(name: str) -> None:
    if not FOLDERS[name].is_dir():
        pytest.skip(f"{FOLDERS[name]} is not there")
    count = 0
    for path, model in v2_models(FOLDERS[name]):
        count += 1
        assert model.format == "v2"
        assert model.root in model.functions
        outputs = {output for function in model.functions.values() for output in function.outputs}
        for function in model.functions.values():
            assert set(function.inputs) <= outputs ^ model.variables.keys(), path
        for variable in model.variables.values():
            has_value = variable.kind in (VariableKind.PARAMETER, VariableKind.CONSTANT)
            assert (variable.value is not None) == has_value, path
        assert {hazard.kind for hazard in model.hazards} <= {"user-code"}, path
        assert bool(model.hazards) == bool(model.user_functions), path
    assert count > 100


def test_mnist_of_release_2_0_is_read() -> None:
    """A model of 2017 that others published: nested blocks, function version 15, placeholders for block arguments."""
    path = FOLDERS["shared"] / "legacy-models" / "mnist_conv" / "model.dnn"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    model = read_model(memoryview(path.read_bytes()))
    assert (model.format_version, model.root, model.name) == ("dictionary 2, composite 3, function 15", "Softmax2014", "output")
    assert sorted(function.name for function in model.functions.values() if function.block) == [
        "classify",
        "first_conv",
        "first_max",
        "second_conv",
        "second_max",
    ]
    assert [variable.shape for variable in model.variables.values() if variable.kind is VariableKind.INPUT] == [(1, 28, 28)]
