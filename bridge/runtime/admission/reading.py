"""Messages -> the ONNX model as data. Nothing is judged here; names of places are made for people to find them by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bridge.errors import RefusedModelError
from bridge.runtime.admission.message import Fault, Message, read_message
from bridge.runtime.admission.model import Attribute, Function, Graph, Node, OnnxModel, Tensor, Value
from bridge.runtime.admission.wire import WIRE
from bridge.runtime.limits import ModelLimits

TENSOR_DATA: Final = ("float_data", "int32_data", "string_data", "int64_data", "raw_data", "double_data", "uint64_data")
"""The fields of a tensor of which exactly one may hold its data."""

_ATTRIBUTE_VALUES: Final = ("f", "i", "s", "t", "g", "floats", "ints", "strings", "tensors", "graphs")


def read_model(view: memoryview, limits: ModelLimits) -> OnnxModel:
    """The model in ``view``. Raises ``RefusedModelError`` for bytes that are none."""
    message, faults = read_message(view, limits)
    graph = message.one("graph")
    if graph is None:
        raise RefusedModelError(WIRE, "the model", expected="a graph", found="none")
    return OnnxModel(
        ir_version=message.integer("ir_version"),
        opsets=_opsets(message),
        graph=_graph(graph, "the graph"),
        functions=tuple(_function(function) for function in message.many("functions")),
        metadata=_pairs(message.many("metadata_props")),
        faults=tuple(faults),
    )


def _graph(message: Message, where: str) -> Graph:
    return Graph(
        where=where,
        name=message.text("name"),
        nodes=_nodes(message, where),
        initializers=tuple(
            _tensor(tensor, f"initializer {tensor.text('name')!a} of {where}") for tensor in message.many("initializer")
        ),
        inputs=_values(message.many("input"), f"input of {where}"),
        outputs=_values(message.many("output"), f"output of {where}"),
        values=_values(message.many("value_info"), f"value of {where}"),
    )


def _nodes(message: Message, where: str) -> tuple[Node, ...]:
    return tuple(_node(node, f"node {index} of {where}") for index, node in enumerate(message.many("node")))


def _node(message: Message, place: str) -> Node:
    operator, name = message.text("op_type"), message.text("name")
    where = f"{place} ({operator[:100]!a} {name[:100]!a})"
    return Node(
        where=where,
        name=name,
        operator=operator,
        domain=message.text("domain"),
        overload=message.text("overload"),
        inputs=tuple(message.many("input")),
        outputs=tuple(message.many("output")),
        attributes=tuple(_attribute(attribute, where) for attribute in message.many("attribute")),
    )


def _attribute(message: Message, node: str) -> Attribute:
    where = f"attribute {message.text('name')[:100]!a} of {node}"
    tensor, graph = message.one("t"), message.one("g")
    tensors = [*([tensor] if tensor is not None else []), *message.many("tensors")]
    graphs = [*([graph] if graph is not None else []), *message.many("graphs")]
    return Attribute(
        where=where,
        name=message.text("name"),
        type=message.integer("type"),
        reference=message.text("ref_attr_name"),
        filled=tuple(name for name in _ATTRIBUTE_VALUES if name in message.values),
        integer=message.integer("i"),
        integers=tuple(message.many("ints")),
        octets=bytes(message.values.get("s", b"")[:256]),
        tensors=tuple(_tensor(each, f"the tensor in {where}") for each in tensors),
        graphs=tuple(_graph(each, f"the body of {node}") for each in graphs),
    )


def _tensor(message: Message, where: str) -> Tensor:
    return Tensor(
        where=where,
        name=message.text("name"),
        dims=tuple(message.many("dims")),
        data_type=message.integer("data_type"),
        filled=tuple(name for name in TENSOR_DATA if name in message.values),
        raw=message.values.get("raw_data"),
        external=_pairs(message.many("external_data")),
        data_location=message.integer("data_location"),
    )


def _values(messages: Sequence[Message], what: str) -> tuple[Value, ...]:
    return tuple(_value(message, f"{message.text('name')[:200]!a}, {what}") for message in messages)


def _value(message: Message, where: str) -> Value:
    stated = message.one("type")
    tensor = stated.one("tensor_type") if stated is not None else None
    shape = tensor.one("shape") if tensor is not None else None
    return Value(
        where=where,
        name=message.text("name"),
        element_type=tensor.integer("elem_type") if tensor is not None else 0,
        shape=tuple(_extent(extent) for extent in shape.many("dim")) if shape is not None else None,
    )


def _extent(message: Message) -> int | str | None:
    if "dim_value" in message.values:
        return message.integer("dim_value")
    return message.text("dim_param") or None


def _function(message: Message) -> Function:
    where = f"the function {message.text('name')[:100]!a}"
    return Function(
        where=where,
        domain=message.text("domain"),
        name=message.text("name"),
        overload=message.text("overload"),
        inputs=tuple(message.many("input")),
        outputs=tuple(message.many("output")),
        nodes=_nodes(message, where),
        opsets=_opsets(message),
        defaults=tuple(_attribute(attribute, where) for attribute in message.many("attribute_proto")),
    )


def _opsets(message: Message) -> tuple[tuple[str, int], ...]:
    return tuple((entry.text("domain"), entry.integer("version")) for entry in message.many("opset_import"))


def _pairs(messages: Sequence[Message]) -> tuple[tuple[str, str], ...]:
    return tuple((entry.text("key"), entry.text("value")) for entry in messages)


def faults_of(model: OnnxModel, check: str) -> tuple[Fault, ...]:
    """What was noted while the file was read, for one check."""
    return tuple(fault for fault in model.faults if fault.check == check)
