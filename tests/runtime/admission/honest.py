"""A small honest model, and the means to make it dishonest: ONNX's own protobuf classes, which refuse nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bridge.package.interface import Bound, Interface, Tensor

WEIGHTS = np.arange(12, dtype=np.float32).reshape(4, 3)
INTERFACE = Interface(
    kind="onnx",
    model_files=("model.onnx",),
    inputs=(Tensor("x", "float32", ("N", 4), finite=True),),
    outputs=(Tensor("y", "float32", ("N", 3)),),
    symbols={"N": Bound(1, 64, "batch")},
)

Change = Callable[[onnx.ModelProto], None]


def honest_model() -> onnx.ModelProto:
    """``y = x w`` with ``x [N, 4]``, as the converter would write it."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")],
        "main",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
        [numpy_helper.from_array(WEIGHTS, "w")],
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)], producer_name="cntk-bridge")


def changed(*changes: Change) -> bytes:
    """The honest model after some changes, serialised."""
    model = honest_model()
    for change in changes:
        change(model)
    return model.SerializeToString()


def add_nodes(nodes: Sequence[onnx.NodeProto], tensors: Sequence[onnx.TensorProto] = ()) -> Change:
    """Nodes and initializers in front of the honest ones."""

    def change(model: onnx.ModelProto) -> None:
        own = list(model.graph.node)
        del model.graph.node[:]
        model.graph.node.extend([*nodes, *own])
        model.graph.initializer.extend(tensors)

    return change


def integers(name: str, *values: int) -> onnx.TensorProto:
    """A list of integers as an initializer."""
    return numpy_helper.from_array(np.array(values, np.int64), name)


def external_weights(**entries: str) -> Change:
    """The weights in a file, as ``entries`` say."""

    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=value)

    return change
