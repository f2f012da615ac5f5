"""Models whose inputs have open extents, and models that have no inputs at all, become packages that are loaded and run."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

import bridge
from bridge.errors import InvalidInputError, ModelFailedError
from bridge.graph.model import FREE, INFERRED, NDShape
from bridge.package.describing import describe_onnx
from bridge.package.interface import Bound, Interface, ServingLimits, Tensor, read_interface
from bridge.runtime.served import ServedModel
from tests.lower.graphs import Graph
from tests.runtime.packages import unsigned_package
from verify.equivalence import find_cases
from verify.equivalence.cases import load_description

SHARED = Path(__file__).parents[2] / "shared" / "golden-cases"
GROUPS = sorted(SHARED.glob("*/"))


@pytest.fixture(autouse=True)
def _unsigned_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "bridge.trust")


def test_dimensions_that_a_model_left_to_be_inferred_are_symbols_as_free_ones_are() -> None:
    graph = Graph()
    left_open = graph.input("x", (INFERRED, FREE, 3))
    converted = graph.convert(graph.op("Softmax", left_open))
    assert converted.lowered.inputs[0].shape == ("N", "x_0", "x_1", 3)
    for extents in ((2, 1, 3), (4, 5, 3)):
        (answer,) = converted.run({"x": np.zeros((1, *extents))}).values()
        np.testing.assert_allclose(answer, np.full((1, *extents), 1 / np.prod(extents)), rtol=1e-6)


def loaded(folder: Path, graph: Graph, output: str, inputs: tuple[Tensor, ...], symbols: dict[str, Bound]) -> ServedModel:
    """The package of what ``graph`` computes."""
    lowered = graph.lower(output)
    (port,) = lowered.outputs
    symbols = {extent: Bound(1, 4096) for extent in port.shape if isinstance(extent, str)} | symbols
    interface = Interface("onnx", ("model.onnx",), inputs, (Tensor(port.name, port.dtype, port.shape),), symbols, opset=17)
    package = unsigned_package(folder, ir.to_proto(lowered.model).SerializeToString(), interface)
    return bridge.load(package, allow_unsigned=True)


@pytest.mark.parametrize("shape", [(3, INFERRED), (3, FREE)], ids=["inferred", "free"])
def test_bounds_of_open_extents_hold(shape: tuple[int, ...], tmp_path: Path) -> None:
    graph = Graph()
    output = graph.op("Negate", graph.input("x", shape))
    symbols = {"N": Bound(1, 4, "batch"), "x_1": Bound(2, 5)}
    inputs = (Tensor("x", "float32", ("N", 3, "x_1")),)
    with closing(loaded(tmp_path / "package", graph, output, inputs, symbols)) as model:
        for width in (2, 5):
            (answer,) = model.run({"x": np.ones((1, 3, width), np.float32)}).values()
            assert answer.shape == (1, 3, width)
        for width in (1, 6):
            with pytest.raises(InvalidInputError, match="expected x_1 from 2 to 5"):
                model.run({"x": np.ones((1, 3, width), np.float32)})


@pytest.mark.parametrize("isolation", ["none", "process"])
def test_a_model_without_inputs_is_run(isolation: str, tmp_path: Path) -> None:
    graph = Graph()
    lowered = graph.lower(graph.op("Negate", graph.parameter([1.0, 2.0])))
    (port,) = lowered.outputs
    interface = Interface("onnx", ("model.onnx",), (), (Tensor(port.name, port.dtype, port.shape),), {}, opset=17)
    assert read_interface(interface.to_bytes()) == interface
    package = unsigned_package(tmp_path / "package", ir.to_proto(lowered.model).SerializeToString(), interface)
    with closing(bridge.load(package, allow_unsigned=True, isolation="process" if isolation == "process" else "none")) as model:
        (answer,) = model.run({}).values()
        np.testing.assert_array_equal(answer, [-1, -2])
        with pytest.raises(InvalidInputError, match="an input that the model does not have"):
            model.run({"x": np.zeros(1, np.float32)})


def test_a_model_that_needs_longer_inputs_than_its_bounds_admit_says_how_to_package_it(tmp_path: Path) -> None:
    graph = Graph()
    kernel = graph.parameter(np.ones((1, 1, 3)))
    output = graph.op("Convolution", kernel, graph.input("x", (1, FREE)), strides=NDShape((1,)), autoPadding=(False,))
    inputs = (Tensor("x", "float32", ("N", 1, "x_1")),)
    with pytest.raises(ModelFailedError, match=r"first run failed, of the smallest inputs \(N=1, x_1=1;.*--bound"):
        loaded(tmp_path / "short", graph, output, inputs, {"N": Bound(1, 4, "batch"), "x_1": Bound(1, 9)})
    with closing(loaded(tmp_path / "long", graph, output, inputs, {"N": Bound(1, 4, "batch"), "x_1": Bound(3, 9)})) as model:
        (answer,) = model.run({"x": np.ones((1, 1, 4), np.float32)}).values()
        np.testing.assert_array_equal(answer, [[[3, 3]]])


@pytest.mark.slow
@pytest.mark.skipif(not GROUPS, reason="the specification does not lie beside the checkout")
@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_every_recorded_model_has_an_interface(group: Path, tmp_path: Path) -> None:
    for folder in find_cases(group):
        description = load_description(folder)
        if description.refusal_expected:
            continue
        names = [output.public_name for output in description.outputs]
        result = bridge.convert(folder / "model.dnn", tmp_path / "model.onnx", outputs=names)
        interface = describe_onnx(result, {}, ServingLimits())
        assert read_interface(interface.to_bytes()) == interface, folder
