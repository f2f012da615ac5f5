"""The features of a network: what it computes before its last layer, as a model of its own, cut from the admitted bytes.

The engine is given nothing that was not admitted: the copy has the model's first nodes, in their order, and another output. It
is made on the level of protobuf's messages, so that no other reader of models takes part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.errors import InvalidOptionError
from bridge.runtime.admission.model import Graph, Node, nodes_within
from bridge.runtime.admission.reading import read_model
from bridge.runtime.admission.wire import FIXED64, LENGTH_DELIMITED, VARINT, read_length, read_varint
from bridge.runtime.limits import ModelLimits

_INPUT_AXIS_OF_WEIGHTS: Final = {"MatMul": -2, "Gemm": -2, "Conv": 1}
"""The layers that may be a network's last, and the axis of their weights that meets their operand."""

_GRAPH: Final = 7  # in ModelProto
_NODE: Final = 1  # these in GraphProto
_INITIALIZER: Final = 5
_OUTPUT: Final = 12
_NAME: Final = 1  # in ValueInfoProto
# The model was admitted within the limits that its user chose.
_AS_ADMITTED: Final = ModelLimits(fields=1 << 62, wire_depth=1 << 10, text_bytes=1 << 31)


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a model is cut: ``value`` is made by the last of its first ``nodes`` nodes."""

    value: str
    nodes: int


def cut_at(graph: Graph, value: str) -> Cut:
    """The cut behind the node that makes ``value``. Raises ``InvalidOptionError`` where none does."""
    for index, node in enumerate(graph.nodes):
        if value and value in node.outputs:
            return Cut(value, index + 1)
    raise InvalidOptionError(f"the model computes no value {value[:200]!a}; the guards were fitted on another one")


def last_layer_input(graph: Graph) -> str:
    """The name of what the last layer with weights works on. Raises ``InvalidOptionError`` for a network without one.

    Layers on a single number are passed over: converted models multiply masks of sequences by constants in that way.
    """
    extents = {tensor.name: tensor.dims for tensor in graph.initializers}
    made = {name for node in graph.nodes for name in node.outputs}
    for node in reversed(graph.nodes):
        if _is_layer(node, extents) and node.inputs[0] in made:
            return node.inputs[0]
    raise InvalidOptionError("the distribution guard needs a network of more than one layer with weights; this one has none")


def features_model(model: memoryview, cut: Cut) -> bytes:
    """The admitted ``model`` up to ``cut``, whose only output is the value there, with the weights that this needs alone."""
    needless = _needless(read_model(model, _AS_ADMITTED).graph, cut)
    made = bytearray()
    for number, begin, after, inside in _fields(model, 0, len(model)):
        if number == _GRAPH:
            made += _delimited(_GRAPH, _graph(model, inside, after, cut, needless))
        else:
            made += model[begin:after]
    return bytes(made)


def _graph(model: memoryview, begin: int, end: int, cut: Cut, needless: frozenset[int]) -> bytes:
    made, nodes, weights = bytearray(), 0, 0
    for number, start, after, _ in _fields(model, begin, end):
        # A graph's nodes stand in the order in which they may be computed: what is left out comes after what is kept.
        nodes += number == _NODE
        weights += number == _INITIALIZER
        left_out = (number == _NODE and nodes > cut.nodes) or (number == _INITIALIZER and weights - 1 in needless)
        if number != _OUTPUT and not left_out:
            made += model[start:after]
    return bytes(made + _delimited(_OUTPUT, _delimited(_NAME, cut.value.encode())))


def _needless(graph: Graph, cut: Cut) -> frozenset[int]:
    """Which initializers, by their order, nothing up to ``cut`` reads. Those that are an input's default stay."""
    read = {value.name for value in graph.inputs}
    for node in nodes_within(graph.nodes[: cut.nodes]):
        read.update(node.inputs, *([value.name for value in body.outputs] for body in node.bodies))
    return frozenset(index for index, tensor in enumerate(graph.initializers) if tensor.name not in read)


def _is_layer(node: Node, extents: dict[str, tuple[int, ...]]) -> bool:
    axis = _INPUT_AXIS_OF_WEIGHTS.get(node.operator)
    weights = extents.get(node.inputs[1]) if axis is not None and len(node.inputs) > 1 else None
    return axis is not None and weights is not None and len(weights) >= 2 and weights[_axis(node, axis)] > 1


def _axis(node: Node, axis: int) -> int:
    transposed = node.attribute("transB") if node.operator == "Gemm" else None
    return -1 if transposed is not None and transposed.integer else axis


def _fields(view: memoryview, offset: int, end: int) -> list[tuple[int, int, int, int]]:
    """Each field of the message there: its number, where it begins and ends, and where its content begins."""
    found: list[tuple[int, int, int, int]] = []
    while offset < end:
        tag, inside = read_varint(view, offset, end)
        wire = tag & 7
        if wire == LENGTH_DELIMITED:
            inside, after = read_length(view, inside, end)
        elif wire == VARINT:
            after = read_varint(view, inside, end)[1]
        else:
            after = inside + (8 if wire == FIXED64 else 4)
        found.append((tag >> 3, offset, after, inside))
        offset = after
    return found


def _delimited(number: int, content: bytes) -> bytes:
    return bytes([*_varint(number << 3 | LENGTH_DELIMITED), *_varint(len(content))]) + content


def _varint(value: int) -> list[int]:
    octets = []
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    return [*octets, value]
