"""A network cut off before its last layer computes there what the whole one computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest

import bridge
from bridge.errors import InvalidOptionError
from bridge.runtime.admission.model import Graph
from bridge.runtime.admission.reading import read_model
from bridge.runtime.features import cut_at, features_model, last_layer_input
from bridge.runtime.limits import ModelLimits

GOLDEN = Path(__file__).parents[2] / "golden"


def graph_of(data: bytes) -> Graph:
    return read_model(memoryview(data), ModelLimits()).graph


def computed(data: bytes, name: str, feeds: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]) -> object:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return session.run([name], feeds)[0]


def with_output(data: bytes, name: str) -> bytes:
    """The whole model, which also gives the value ``name``."""
    model = ir.from_proto(onnx.ModelProto.FromString(data))
    value = next(output for node in model.graph for output in node.outputs if output.name == name)
    model.graph.outputs.append(value)
    return bytes(ir.to_proto(model).SerializeToString())


@pytest.mark.parametrize(("case", "shape"), [("digits_lenet", (3, 1, 8, 8)), ("lstm_tagger", (2, 5, 80))])
def test_the_part_computes_what_the_whole_computes_there(case: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    result = bridge.convert(GOLDEN / case / "model.dnn", tmp_path / "model.onnx")
    data = (tmp_path / "model.onnx").read_bytes()
    graph = graph_of(data)
    value = last_layer_input(graph)
    part = features_model(memoryview(data), cut_at(graph, value))
    assert [output.name for output in graph_of(part).outputs] == [value]
    assert len(graph_of(part).nodes) < len(graph.nodes)
    assert len(graph_of(part).initializers) < len(graph.initializers)
    assert [each.name for each in graph_of(part).inputs] == [each.name for each in graph.inputs]
    x = np.random.default_rng(0).random(shape, np.float32)
    feeds = {result.inputs[0].name: x}
    np.testing.assert_allclose(computed(part, value, feeds), computed(with_output(data, value), value, feeds), rtol=1e-5)  # type: ignore[call-overload]


def test_a_mask_of_sequences_is_no_layer(tmp_path: Path) -> None:
    bridge.convert(GOLDEN / "lstm_tagger" / "model.dnn", tmp_path / "model.onnx")
    graph = graph_of((tmp_path / "model.onnx").read_bytes())
    last = [node for node in graph.nodes if node.operator == "MatMul"][-1]
    assert "Unsqueeze" in last.inputs[0], "the mask comes last in the file"
    assert "Transpose" in last_layer_input(graph), "what the layer before it works on"


def made(*nodes: onnx.NodeProto, **weights: tuple[int, ...]) -> bytes:
    tensors = [onnx.numpy_helper.from_array(np.ones(shape, np.float32), name) for name, shape in weights.items()]
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", None]) for name in ("x", "y"))
    graph = onnx.helper.make_graph(list(nodes), "g", [x], [y], tensors)
    return bytes(
        onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    )


def test_a_network_of_one_layer_has_no_features() -> None:
    one = made(onnx.helper.make_node("MatMul", ["x", "w"], ["y"]), w=(4, 2))
    with pytest.raises(InvalidOptionError, match="more than one layer"):
        last_layer_input(graph_of(one))


def test_the_axis_of_weights_is_that_of_the_operator() -> None:
    nodes = [
        onnx.helper.make_node("Relu", ["x"], ["h"]),
        onnx.helper.make_node("Gemm", ["h", "w"], ["g"], transB=1),
        onnx.helper.make_node("Gemm", ["g", "v"], ["y"], transB=1),
    ]
    data = made(*nodes, w=(1, 4), v=(2, 1))
    assert last_layer_input(graph_of(data)) == "h", "the last one works on a single number"


def test_a_value_that_no_node_makes_is_refused() -> None:
    graph = graph_of(made(onnx.helper.make_node("MatMul", ["x", "w"], ["y"]), w=(4, 2)))
    for name in ("", "x", "w", "other"):
        with pytest.raises(InvalidOptionError, match="computes no value"):
            cut_at(graph, name)
