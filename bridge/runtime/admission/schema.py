"""ONNX's messages as tables: number, name, kind and multiplicity of every field, after ``onnx.proto`` of ONNX 1.19.

A field that is missing here is unknown, and refused. One that is marked ``refused`` is a part of ONNX that converted models never
hold and that engines treat each in their own way: training, sparse tensors, quantisation, devices, types other than tensors.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


class Kind(enum.Enum):
    """How a field's value is read."""

    INTEGER = "integer"  # int32, int64, uint64, enumerations
    FLOAT = "float"  # 4 bytes
    DOUBLE = "double"  # 8 bytes
    TEXT = "text"  # UTF-8
    OCTETS = "octets"  # bytes, kept as a view
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message. ``message`` names the table of an embedded one."""

    name: str
    kind: Kind
    repeated: bool = False
    message: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A message: its fields by their numbers."""

    name: str
    fields: Mapping[int, Field] = field(default_factory=dict)


def _integer(name: str) -> Field:
    return Field(name, Kind.INTEGER)


def _text(name: str) -> Field:
    return Field(name, Kind.TEXT)


def _integers(name: str) -> Field:
    return Field(name, Kind.INTEGER, repeated=True)


def _texts(name: str) -> Field:
    return Field(name, Kind.TEXT, repeated=True)


def _one(name: str, message: str) -> Field:
    return Field(name, Kind.MESSAGE, message=message)


def _many(name: str, message: str) -> Field:
    return Field(name, Kind.MESSAGE, repeated=True, message=message)


def _refused(name: str) -> Field:
    """A message that is never looked into: an octet field, of any number."""
    return Field(name, Kind.OCTETS, repeated=True, refused=True)


def _metadata() -> Field:
    return _many("metadata_props", "StringStringEntryProto")


TABLES: Final[Mapping[str, Table]] = {
    table.name: table
    for table in (
        Table(
            "ModelProto",
            {
                1: _integer("ir_version"),
                2: _text("producer_name"),
                3: _text("producer_version"),
                4: _text("domain"),
                5: _integer("model_version"),
                6: _text("doc_string"),
                7: _one("graph", "GraphProto"),
                8: _many("opset_import", "OperatorSetIdProto"),
                14: _metadata(),
                20: _refused("training_info"),
                25: _many("functions", "FunctionProto"),
                26: _refused("configuration"),
            },
        ),
        Table("OperatorSetIdProto", {1: _text("domain"), 2: _integer("version")}),
        Table("StringStringEntryProto", {1: _text("key"), 2: _text("value")}),
        Table(
            "GraphProto",
            {
                1: _many("node", "NodeProto"),
                2: _text("name"),
                5: _many("initializer", "TensorProto"),
                10: _text("doc_string"),
                11: _many("input", "ValueInfoProto"),
                12: _many("output", "ValueInfoProto"),
                13: _many("value_info", "ValueInfoProto"),
                14: _refused("quantization_annotation"),
                15: _refused("sparse_initializer"),
                16: _metadata(),
            },
        ),
        Table(
            "NodeProto",
            {
                1: _texts("input"),
                2: _texts("output"),
                3: _text("name"),
                4: _text("op_type"),
                5: _many("attribute", "AttributeProto"),
                6: _text("doc_string"),
                7: _text("domain"),
                8: _text("overload"),
                9: _metadata(),
                10: _refused("device_configurations"),
            },
        ),
        Table(
            "AttributeProto",
            {
                1: _text("name"),
                2: Field("f", Kind.FLOAT),
                3: _integer("i"),
                4: Field("s", Kind.OCTETS),
                5: _one("t", "TensorProto"),
                6: _one("g", "GraphProto"),
                7: Field("floats", Kind.FLOAT, repeated=True),
                8: _integers("ints"),
                9: Field("strings", Kind.OCTETS, repeated=True),
                10: _many("tensors", "TensorProto"),
                11: _many("graphs", "GraphProto"),
                13: _text("doc_string"),
                14: _refused("tp"),
                15: _refused("type_protos"),
                20: _integer("type"),
                21: _text("ref_attr_name"),
                22: _refused("sparse_tensor"),
                23: _refused("sparse_tensors"),
            },
        ),
        Table(
            "TensorProto",
            {
                1: _integers("dims"),
                2: _integer("data_type"),
                3: _refused("segment"),
                4: Field("float_data", Kind.FLOAT, repeated=True),
                5: _integers("int32_data"),
                6: Field("string_data", Kind.OCTETS, repeated=True),
                7: _integers("int64_data"),
                8: _text("name"),
                9: Field("raw_data", Kind.OCTETS),
                10: Field("double_data", Kind.DOUBLE, repeated=True),
                11: _integers("uint64_data"),
                12: _text("doc_string"),
                13: _many("external_data", "StringStringEntryProto"),
                14: _integer("data_location"),
                16: _metadata(),
            },
        ),
        Table(
            "ValueInfoProto",
            {1: _text("name"), 2: _one("type", "TypeProto"), 3: _text("doc_string"), 4: _metadata()},
        ),
        Table(
            "TypeProto",
            {
                1: _one("tensor_type", "TypeProto.Tensor"),
                4: _refused("sequence_type"),
                5: _refused("map_type"),
                6: _text("denotation"),
                7: _refused("opaque_type"),
                8: _refused("sparse_tensor_type"),
                9: _refused("optional_type"),
            },
        ),
        Table("TypeProto.Tensor", {1: _integer("elem_type"), 2: _one("shape", "TensorShapeProto")}),
        Table("TensorShapeProto", {1: _many("dim", "TensorShapeProto.Dimension")}),
        Table(
            "TensorShapeProto.Dimension",
            {1: _integer("dim_value"), 2: _text("dim_param"), 3: _text("denotation")},
        ),
        Table(
            "FunctionProto",
            {
                1: _text("name"),
                4: _texts("input"),
                5: _texts("output"),
                6: _texts("attribute"),
                7: _many("node", "NodeProto"),
                8: _text("doc_string"),
                9: _many("opset_import", "OperatorSetIdProto"),
                10: _text("domain"),
                11: _many("attribute_proto", "AttributeProto"),
                12: _many("value_info", "ValueInfoProto"),
                13: _text("overload"),
                14: _metadata(),
            },
        ),
    )
}
"""Every message that a converted model may hold, by its name."""
