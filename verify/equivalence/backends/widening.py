"""A graph with all its floating-point arithmetic in double precision: weights, constants, casts, inputs and outputs.

What is fed, what is stored and what is cast to float16 or float32 becomes float64, so that nothing is rounded on the way. An
operator whose definition knows float32 alone (the scales of Resize) stands between casts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir

from bridge.light_import import import_onnx_ir

import_onnx_ir()

_NARROW = frozenset({ir.DataType.FLOAT, ir.DataType.FLOAT16, ir.DataType.BFLOAT16})
_TYPE_ATTRIBUTES = frozenset({"to", "dtype"})
_DOUBLE = "tensor(double)"


def widened(path: Path) -> onnx.ModelProto:
    """The model in ``path``, widened. Raises what onnx-ir raises for a file that is no sound model."""
    model = ir.load(path)
    for graph in (model.graph, *model.graph.subgraphs()):
        for value in _values(graph):
            _widen_value(value)
    for node in list(model.graph.all_nodes()):
        _widen_attributes(node)
    for node in list(model.graph.all_nodes()):
        _cast_around(node, model.graph.opset_imports)
    return ir.to_proto(model)


def _values(graph: ir.Graph) -> Iterator[ir.Value]:
    yield from graph.inputs
    yield from graph.initializers.values()
    for node in graph:
        yield from node.outputs


def _widen_value(value: ir.Value) -> None:
    if value.dtype in _NARROW:
        value.dtype = ir.DataType.DOUBLE
    if value.const_value is not None and value.const_value.dtype in _NARROW:
        value.const_value = _wide(value.const_value)


def _wide(tensor: ir.TensorProtocol) -> ir.Tensor[Any]:
    return ir.Tensor(tensor.numpy().astype(np.float64), name=tensor.name)


def _widen_attributes(node: ir.Node) -> None:
    for name, attribute in list(node.attributes.items()):
        if attribute.type is ir.AttributeType.TENSOR and attribute.value.dtype in _NARROW:
            node.attributes[name] = ir.AttrTensor(name, _wide(attribute.value))
        elif name in _TYPE_ATTRIBUTES and attribute.type is ir.AttributeType.INT and attribute.value in _NARROW:
            node.attributes[name] = ir.AttrInt64(name, ir.DataType.DOUBLE)
        elif node.op_type == "Constant" and name in {"value_float", "value_floats"}:
            del node.attributes[name]
            node.attributes["value"] = ir.AttrTensor("value", ir.Tensor(np.array(attribute.value, np.float64)))
    if node.op_type == "ConstantOfShape" and "value" not in node.attributes:
        node.attributes["value"] = ir.AttrTensor("value", ir.Tensor(np.zeros(1, np.float64)))


def _cast_around(node: ir.Node, opsets: dict[str, int]) -> None:
    """Casts before inputs and behind outputs that by the operator's definition are float32 and cannot be double."""
    try:
        schema = onnx.defs.get_schema(node.op_type, opsets[node.domain], node.domain)
    except (KeyError, onnx.defs.SchemaError):
        return  # Another domain's operator: its runtime says what it takes.
    graph = node.graph
    assert graph is not None
    for index, value in enumerate(node.inputs):
        if value is not None and _float_alone(schema.inputs, index) and value.dtype is ir.DataType.DOUBLE:
            cast = ir.node("Cast", [value], {"to": ir.DataType.FLOAT})
            graph.insert_before(node, cast)
            node.replace_input_with(index, cast.outputs[0])
    for index, value in enumerate(node.outputs):
        if _float_alone(schema.outputs, index) and value.dtype is ir.DataType.DOUBLE:
            cast = ir.node("Cast", [value], {"to": ir.DataType.DOUBLE})
            graph.insert_after(node, cast)
            ir.convenience.replace_all_uses_with(value, cast.outputs[0])
            cast.replace_input_with(0, value)


def _float_alone(parameters: Sequence[onnx.defs.OpSchema.FormalParameter], index: int) -> bool:
    """Whether a parameter takes float32 and does not take double; the last of them may stand for any number."""
    if not parameters:
        return False
    types = parameters[min(index, len(parameters) - 1)].types
    return "tensor(float)" in types and _DOUBLE not in types
