"""An ONNX model as protobuf, written piece by piece: nothing here ever holds a large tensor.

A protobuf message is the sequence of its fields, and an embedded message is preceded by its length. So the small parts are
serialised by protobuf itself, and the frames around them, whose lengths follow from the tensors' sizes, are written by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

_LENGTH_DELIMITED = 2
_MODEL_GRAPH = 7  # ModelProto.graph
_GRAPH_INITIALIZER = 5  # GraphProto.initializer
_TENSOR_RAW_DATA = 9  # TensorProto.raw_data


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A model without its main graph's initializers and without metadata, in the order of the file."""

    opening: bytes  # the fields of ModelProto that come before its graph: versions, names
    graph: bytes  # GraphProto
    closing: bytes  # the fields that come after it: operator sets, functions

    @property
    def size(self) -> int:
        """Bytes in the model file, but for the frame of the graph."""
        return len(self.opening) + len(self.graph) + len(self.closing)


@dataclass(frozen=True, slots=True)
class Initializer:
    """One serialised TensorProto but for its raw data, which follow ``header`` when ``tensor`` is inline."""

    header: bytes  # everything of GraphProto.initializer up to the raw data, frames included
    tensor: ir.TensorProtocol | None  # None: the header is all there is, and says where the data are

    @property
    def size(self) -> int:
        """Bytes in the model file."""
        return len(self.header) + (self.tensor.nbytes if self.tensor is not None else 0)


def skeleton(model: ir.Model) -> Skeleton:
    """Serialise ``model`` without the initializers of its main graph. Those of nested graphs, which are small, are part of it."""
    import onnx_ir as ir

    graph = model.graph
    bare = ir.GraphView(
        graph.inputs,
        graph.outputs,
        nodes=graph,
        doc_string=graph.doc_string,
        opset_imports=dict(sorted(graph.opset_imports.items())),
        name=graph.name,
        metadata_props=graph.metadata_props,
    )
    shell = ir.Model(
        bare,  # type: ignore[arg-type]  # A view is what the class's own documentation passes here.
        ir_version=model.ir_version,
        producer_name=model.producer_name,
        producer_version=model.producer_version,
        domain=model.domain,
        model_version=model.model_version,
        doc_string=model.doc_string,
        functions=list(model.functions.values()),
    )
    return _split(ir.serde.serialize_model(shell))


def inline_initializer(name: str, tensor: ir.TensorProtocol) -> Initializer:
    """An initializer whose data stand in the model file."""
    inner = _tensor_proto(name, tensor).SerializeToString(deterministic=True)
    inner += _frame(_TENSOR_RAW_DATA, tensor.nbytes)
    return Initializer(_frame(_GRAPH_INITIALIZER, len(inner) + tensor.nbytes) + inner, tensor)


def external_initializer(name: str, tensor: ir.TensorProtocol, location: str, offset: int) -> Initializer:
    """An initializer whose data stand in the file ``location`` of the same folder, from byte ``offset``."""
    proto = _tensor_proto(name, tensor)
    proto.data_location = proto.EXTERNAL
    for key, value in (("location", location), ("offset", str(offset)), ("length", str(tensor.nbytes))):
        proto.external_data.add(key=key, value=value)
    inner = proto.SerializeToString(deterministic=True)
    return Initializer(_frame(_GRAPH_INITIALIZER, len(inner)) + inner, None)


def model_file_bytes(parts: Skeleton, initializers: Mapping[str, Initializer]) -> int:
    """The length of the model file without its metadata."""
    return parts.size + _weights_bytes(initializers) + len(_graph_frame(parts, initializers))


def model_pieces(parts: Skeleton, initializers: Mapping[str, Initializer]) -> Iterator[bytes | ir.TensorProtocol]:
    """The model file in order, up to its metadata: bytes, and tensors of which the raw data are to be written."""
    yield parts.opening
    yield _graph_frame(parts, initializers)
    yield parts.graph
    for initializer in initializers.values():
        yield initializer.header
        if initializer.tensor is not None:
            yield initializer.tensor
    yield parts.closing


def metadata(properties: Mapping[str, str]) -> bytes:
    """The end of the model file: ``properties``, sorted by name."""
    import onnx

    proto = onnx.ModelProto()
    for key in sorted(properties):
        proto.metadata_props.add(key=key, value=properties[key])
    return bytes(proto.SerializeToString(deterministic=True))


def _graph_frame(parts: Skeleton, initializers: Mapping[str, Initializer]) -> bytes:
    return _frame(_MODEL_GRAPH, len(parts.graph) + _weights_bytes(initializers))


def _weights_bytes(initializers: Mapping[str, Initializer]) -> int:
    return sum(initializer.size for initializer in initializers.values())


def _split(proto: onnx.ModelProto) -> Skeleton:
    graph = proto.graph.SerializeToString(deterministic=True)
    opening, closing = type(proto)(), type(proto)()
    opening.CopyFrom(proto)
    closing.CopyFrom(proto)
    for field, _ in proto.ListFields():
        if field.number >= _MODEL_GRAPH:
            opening.ClearField(field.name)
        if field.number <= _MODEL_GRAPH:
            closing.ClearField(field.name)
    return Skeleton(opening.SerializeToString(deterministic=True), graph, closing.SerializeToString(deterministic=True))


def _tensor_proto(name: str, tensor: ir.TensorProtocol) -> onnx.TensorProto:
    import onnx

    proto = onnx.TensorProto(name=name, data_type=tensor.dtype.value, dims=tensor.shape.numpy())
    if tensor.doc_string:
        proto.doc_string = tensor.doc_string
    for key in sorted(tensor.metadata_props):
        proto.metadata_props.add(key=key, value=tensor.metadata_props[key])
    return proto


def _frame(field: int, length: int) -> bytes:
    return _varint(field << 3 | _LENGTH_DELIMITED) + _varint(length)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
