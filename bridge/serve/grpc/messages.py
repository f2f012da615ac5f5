"""The protocol's messages, built from the published names and numbers when this module is imported.

The names and numbers are those of the Open Inference Protocol (kserve/open-inference-protocol, Apache-2.0); field 6 of
``ModelMetadataResponse`` is where other servers have it. Nothing is generated, and the descriptors live in a pool of their own: a
process may hold another library's messages of the same names.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

PACKAGE: Final = "inference"
SERVICE: Final = "inference.GRPCInferenceService"

# A line is: the message, then its fields. `*` is repeated, `@parameters` a map from names to InferParameter.
_MESSAGES: Final = """
ServerLiveRequest
ServerLiveResponse: bool live 1
ServerReadyRequest
ServerReadyResponse: bool ready 1
ModelReadyRequest: string name 1, string version 2
ModelReadyResponse: bool ready 1
ServerMetadataRequest
ServerMetadataResponse: string name 1, string version 2, *string extensions 3
ModelMetadataRequest: string name 1, string version 2
ModelMetadataResponse.TensorMetadata: string name 1, string datatype 2, *int64 shape 3
ModelMetadataResponse: string name 1, *string versions 2, string platform 3, *.TensorMetadata inputs 4, *.TensorMetadata outputs 5, @parameters 6
InferParameter: ?bool bool_param 1, ?int64 int64_param 2, ?string string_param 3, ?double double_param 4, ?uint64 uint64_param 5
InferTensorContents: *bool bool_contents 1, *int32 int_contents 2, *int64 int64_contents 3, *uint32 uint_contents 4, *uint64 uint64_contents 5, *float fp32_contents 6, *double fp64_contents 7, *bytes bytes_contents 8
ModelInferRequest.InferInputTensor: string name 1, string datatype 2, *int64 shape 3, @parameters 4, InferTensorContents contents 5
ModelInferRequest.InferRequestedOutputTensor: string name 1, @parameters 2
ModelInferRequest: string model_name 1, string model_version 2, string id 3, @parameters 4, *.InferInputTensor inputs 5, *.InferRequestedOutputTensor outputs 6, *bytes raw_input_contents 7
ModelInferResponse.InferOutputTensor: string name 1, string datatype 2, *int64 shape 3, @parameters 4, InferTensorContents contents 5
ModelInferResponse: string model_name 1, string model_version 2, string id 3, @parameters 4, *.InferOutputTensor outputs 5, *bytes raw_output_contents 6
"""  # noqa: E501  # A message in a line.

CALLS: Final = ("ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer")


def _scalar(name: str) -> FieldDescriptorProto.Type.ValueType | None:
    key = f"TYPE_{name.upper()}"
    return FieldDescriptorProto.Type.Value(key) if key in FieldDescriptorProto.Type.keys() else None  # noqa: SIM118  # No mapping.


def _add_parameters(message: DescriptorProto, path: str, number: int) -> None:
    """A map is a repeated message of keys and values."""
    entry = message.nested_type.add(name="ParametersEntry")
    entry.options.map_entry = True
    optional, repeated = FieldDescriptorProto.LABEL_OPTIONAL, FieldDescriptorProto.LABEL_REPEATED
    entry.field.add(name="key", number=1, label=optional, type=FieldDescriptorProto.TYPE_STRING)
    value = f".{PACKAGE}.InferParameter"
    entry.field.add(name="value", number=2, label=optional, type=FieldDescriptorProto.TYPE_MESSAGE, type_name=value)
    entry_name = f".{PACKAGE}.{path}.ParametersEntry"
    message.field.add(
        name="parameters", number=number, label=repeated, type=FieldDescriptorProto.TYPE_MESSAGE, type_name=entry_name
    )


def _add_field(message: DescriptorProto, path: str, text: str) -> None:
    if text.startswith("@"):
        _add_parameters(message, path, int(text.split()[1]))
        return
    kind, name, number = text.lstrip("*?").split()
    label = FieldDescriptorProto.LABEL_REPEATED if text.startswith("*") else FieldDescriptorProto.LABEL_OPTIONAL
    field = message.field.add(name=name, number=int(number), label=label)
    scalar = _scalar(kind)
    if scalar is not None:
        field.type = scalar
    else:
        field.type = FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{path}{kind}" if kind.startswith(".") else f".{PACKAGE}.{kind}"
    if text.startswith("?"):
        if not message.oneof_decl:
            message.oneof_decl.add(name="parameter_choice")
        field.oneof_index = 0


def _file() -> FileDescriptorProto:
    file = FileDescriptorProto(name="open_inference_grpc.proto", package=PACKAGE, syntax="proto3")
    nested: dict[str, list[DescriptorProto]] = {}
    for line in _MESSAGES.strip().splitlines():
        path, _, fields = line.partition(":")
        outer, _, inner = path.partition(".")
        message = DescriptorProto(name=inner or outer)
        for text in filter(None, map(str.strip, fields.split(","))):
            _add_field(message, path, text)
        if inner:
            nested.setdefault(outer, []).append(message)
            continue
        message.nested_type.extend(nested.get(outer, []))
        file.message_type.append(message)
    return file


_POOL: Final = DescriptorPool()
_POOL.AddSerializedFile(_file().SerializeToString())


def message_class(name: str) -> type[Any]:
    """The class of the protocol's message ``name``; its attributes are the message's fields, so that it has no static type."""
    found: type[Message] = GetMessageClass(_POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))
    return found


ModelInferResponse: Final = message_class("ModelInferResponse")
ModelMetadataResponse: Final = message_class("ModelMetadataResponse")
ServerMetadataResponse: Final = message_class("ServerMetadataResponse")
ServerLiveResponse: Final = message_class("ServerLiveResponse")
ServerReadyResponse: Final = message_class("ServerReadyResponse")
ModelReadyResponse: Final = message_class("ModelReadyResponse")
