from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest

pytest.importorskip("torch")

from bridge.conversion import lower_bytes
from bridge.errors import InvalidOptionError
from bridge.harden.correspondence import Correspondence, _place, correspondence, with_weights
from bridge.harden.samples import Array
from bridge.lower.builder import PARAMETER_KEY
from bridge.lower.options import LoweringOptions
from bridge.targets.pytorch.building import build
from bridge.targets.pytorch.cntk_names import names_of
from bridge.targets.pytorch.folder import tensors_of
from bridge.targets.pytorch.translation import Names
from tests.harden.digits import GOLDEN


def state(model: ir.Model, names: Names) -> dict[str, Array]:
    return {name: np.asarray(array) for name, array in tensors_of(build(model.graph, names).root).items()}


def lowered(case: str) -> tuple[ir.Model, Names]:
    data = memoryview((GOLDEN / case / "model.dnn").read_bytes())
    model, made, _ = lower_bytes(data, None, LoweringOptions(fold=False, for_training=True))
    return made.model, names_of(model)


# Convolutions, batch normalisation, recurrent layers with their gates in another order, shared and transposed weights.
@pytest.mark.parametrize(
    "case",
    ["digits_lenet", "resnet20", "lstm_tagger", "gru_encoder", "text_cnn", "conv_autoencoder", "transformer_over_sequence"],
)
def test_weights_that_were_changed_in_the_module_come_back_from_the_graph_unchanged(case: str) -> None:
    model, names = lowered(case)
    found = correspondence(model, names)
    before = state(model, names)
    draw = np.random.default_rng(0)
    trained = {
        name: draw.normal(size=array.shape).astype(np.float32) if name in found.places and not found.places[name].made else array
        for name, array in before.items()
    }
    assert any(not np.array_equal(trained[name], before[name]) for name in before)
    again = state(with_weights(model, found.weights(trained, model.graph)), names)
    assert again.keys() == before.keys()
    assert all(np.array_equal(again[name], trained[name]) for name in before)


def test_the_graph_itself_stays_as_it_is() -> None:
    model, names = lowered("digits_lenet")
    before = {name: value.const_value for name, value in model.graph.initializers.items()}
    found = correspondence(model, names)
    changed = {name: array + 1 for name, array in state(model, names).items()}
    with_weights(model, found.weights(changed, model.graph))
    assert {name: value.const_value for name, value in model.graph.initializers.items()} == before


def two_products(names: tuple[str, str]) -> ir.Model:
    """Two layers in parallel, which may share their weights."""
    nodes, values = [], {}
    x = ir.Value(name="x", shape=ir.Shape(["N", 3]), type=ir.TensorType(ir.DataType.FLOAT))
    outputs = []
    for index, name in enumerate(names):
        if name not in values:
            array = np.arange(9, dtype=np.float32).reshape(3, 3) + index
            values[name] = ir.Value(
                name=name, const_value=ir.Tensor(array, name=name), shape=ir.Shape((3, 3)), type=ir.TensorType(ir.DataType.FLOAT)
            )
            values[name].metadata_props[PARAMETER_KEY] = name
        node = ir.node("MatMul", [x, values[name]])
        node.outputs[0].name = f"y{index}"
        node.outputs[0].shape, node.outputs[0].type = ir.Shape(["N", 3]), ir.TensorType(ir.DataType.FLOAT)
        nodes.append(node)
        outputs.append(node.outputs[0])
    graph = ir.Graph([x], outputs, nodes=nodes, initializers=list(values.values()), opset_imports={"": 17}, name="g")
    return ir.Model(graph, ir_version=8)


def test_layers_of_their_own_may_be_trained_apart() -> None:
    model = two_products(("a", "b"))
    found = correspondence(model, Names())
    trained = {name: array + index for index, (name, array) in enumerate(state(model, Names()).items())}
    assert found.weights(trained, model.graph).keys() == {"a", "b"}


def test_tensors_that_share_weights_and_were_trained_apart_are_refused() -> None:
    model = two_products(("a", "b"))
    found = correspondence(model, Names())
    one = next(iter(found.places))
    sharing = Correspondence(found.initializers, {"first": found.places[one], "second": found.places[one]})
    weights = state(model, Names())[one]
    assert sharing.weights({"first": weights + 1, "second": weights + 1}, model.graph)
    with pytest.raises(InvalidOptionError, match="trained apart"):
        sharing.weights({"first": weights, "second": weights + 1}, model.graph)


def test_a_tensor_that_is_computed_from_weights_is_refused() -> None:
    sizes = np.asarray([4])
    owner, low, high = np.asarray([1.0, 1.0]), np.asarray([2.0, 3.0]), np.asarray([-1.0, -1.0])
    assert _place("w", owner, low, high, sizes).element.tolist() == [1, 2]
    for spoilt in ((owner / 2, low, high), (owner, low * 2, high), (owner, low, -high)):
        with pytest.raises(InvalidOptionError, match="computed"):
            _place("w", spoilt[0], spoilt[1], spoilt[2], sizes)
