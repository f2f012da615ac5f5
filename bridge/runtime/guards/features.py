"""The features of a network: what it computes before its last layer, as a model of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.errors import InvalidOptionError
from bridge.light_import import import_onnx_ir
from bridge.runtime.guards.distribution import Features
from bridge.runtime.guards.guard import Array

if TYPE_CHECKING:
    import onnx_ir as ir

_LAST_LAYERS: Final = frozenset({"MatMul", "Gemm", "Conv"})


def features_model(model: ir.Model) -> ir.Model:
    """A copy of ``model`` whose only output is the operand of its last layer with weights, and without what that does not need.

    Raises ``InvalidOptionError`` for a network without such a layer.
    """
    import_onnx_ir()
    import onnx_ir as ir
    from onnx_ir.passes.common import RemoveUnusedNodesPass

    copy = ir.from_proto(ir.to_proto(model))
    graph = copy.graph
    layers = [node for node in graph if node.op_type in _LAST_LAYERS and _has_weights(node)]
    operand = layers[-1].inputs[0] if layers else None
    if operand is None:
        raise InvalidOptionError("the distribution guard needs a network that ends in a layer with weights; this one has none")
    graph.outputs.clear()
    graph.outputs.append(operand)
    RemoveUnusedNodesPass()(copy)
    return copy


def _has_weights(node: ir.Node) -> bool:
    weights = node.inputs[1]
    return weights is not None and weights.const_value is not None and weights.producer() is None


def onnx_features(data: bytes, input_name: str) -> Features:
    """The features that the model ``data`` computes of one input; its other inputs have to be optional."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def features(value: Array) -> Array:
        (found,) = session.run(None, {input_name: value})
        return np.asarray(found)

    return features
