"""The sections of a v1 file: version, nodes, relations, groups."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import replace

from bridge.errors import InvalidModelError, UnsupportedVersionError
from bridge.graph.model import DataType
from bridge.limits import Limits
from bridge.source.v1.cursor import Cursor, shown
from bridge.source.v1.layouts import LAYOUTS, OLD_SPELLINGS
from bridge.source.v1.raw import RawModel, RawNode
from bridge.source.v1.record import LAST_VERSION, Record

_PRECISION_VERSION = 7  # From here on every node states its precision.
_CAST_VERSION = 31  # From here on a node may state two.
_PRECISIONS = {"float": DataType.FLOAT, "double": DataType.DOUBLE, "half": DataType.FLOAT16}
_FIRST_MATRIX = re.compile(re.escape("BMAT\0".encode("utf-16-le")))
_NODE_BYTES = 4  # Two empty strings.
_NAME_BYTES = 2  # An empty string.


def read_raw(data: memoryview, limits: Limits) -> RawModel:
    """Parse ``data``, the whole file, to its last byte.

    Raises ``UnsupportedVersionError``, ``InvalidModelError`` or ``LimitExceededError``.
    """
    cursor = Cursor(data, limits)
    cursor.marker("BCN")
    version = _version(cursor)
    nodes = _nodes(cursor, version)
    _relations(cursor, nodes)
    groups = _groups(cursor, nodes)
    cursor.marker("ECN")
    if cursor.left:
        raise InvalidModelError(
            "bytes after the end of the model",
            offset=cursor.offset,
            field="ECN",
            expected="the end of the file",
            found=f"{cursor.left} more bytes",
        )
    return RawModel(version, nodes, groups)


def _version(cursor: Cursor) -> int:
    """The version of the format; the first had no section for it."""
    if not cursor.try_marker("BVersion"):
        return 1
    start = cursor.offset
    version = cursor.u64("version")
    if not 1 <= version <= LAST_VERSION:
        raise UnsupportedVersionError(
            "a version of the v1 format that no release of CNTK writes",
            offset=start,
            field="version",
            expected=f"1 to {LAST_VERSION}",
            found=str(version),
        )
    cursor.marker("EVersion")
    return version


def _nodes(cursor: Cursor, version: int) -> dict[str, RawNode]:
    number = cursor.count("nodeCount", element_bytes=_NODE_BYTES, limit=_most_nodes(cursor.limits), resource="nodes")
    cursor.marker("BNodeList")
    precision = _Precision(cursor, version)
    nodes: dict[str, RawNode] = {}
    for index in range(number):
        cursor.place = f"node {index}"
        node = _node(cursor, version, precision)
        if node.name in nodes:
            raise cursor.wrong("two nodes of one name", "name", offset=node.offset, found=shown(node.name))
        nodes[node.name] = node
    cursor.place = ""
    cursor.marker("ENodeList")
    return nodes


def _most_nodes(limits: Limits) -> int:
    """Functions and leaves stand in one list, so it may have as many as there may be of both."""
    return limits.functions + limits.variables


def _node(cursor: Cursor, version: int, precision: _Precision) -> RawNode:
    start = cursor.offset
    data_type, source_type = precision.read()
    at = cursor.offset
    stated = cursor.wide_text("op")
    op = OLD_SPELLINGS.get(stated, stated)
    layout = LAYOUTS.get(op)
    if layout is None:
        raise cursor.wrong(
            "an operator that CNTK does not have",
            "op",
            offset=at,
            found=shown(stated),
            advice="the rest of the file cannot be read without knowing what a node of it stores",
        )
    name = cursor.wide_text("name")
    cursor.place = f"{op} {shown(name)}"
    record = Record(cursor, version, data_type)
    for step in layout:
        step(record)
    return RawNode(name, op, data_type, record.fields, start, source_type=source_type)


class _Precision:
    """The element types of nodes: stated with each from version 7 on, before it one for the whole file."""

    def __init__(self, cursor: Cursor, version: int) -> None:
        self._cursor = cursor
        self._version = version
        self._default: DataType | None = None

    def read(self) -> tuple[DataType, DataType | None]:
        """The node's own type and, for a Cast that states it, that of its operand."""
        if self._version < _PRECISION_VERSION:
            return self._file_default(), None
        cursor = self._cursor
        start = cursor.offset
        tag = cursor.wide_text("precision")
        if not tag:
            return self._file_default(), None
        names = tag.split(",")
        pair = len(names) == 2 and names[0] != names[1] and self._version >= _CAST_VERSION
        if (len(names) != 1 and not pair) or any(name not in _PRECISIONS for name in names):
            raise cursor.wrong(
                "a precision that CNTK does not have",
                "precision",
                offset=start,
                expected="float, double or half",
                found=shown(tag),
            )
        return _PRECISIONS[names[0]], _PRECISIONS[names[1]] if pair else None

    def _file_default(self) -> DataType:
        """The type that the element size of the first matrix of the file implies, as CNTK finds it; float without any matrix."""
        if self._default is None:
            self._default = DataType.FLOAT
            found = _FIRST_MATRIX.search(self._cursor.data)
            if found is not None and found.end() + 8 <= len(self._cursor.data):
                (size,) = struct.unpack_from("<Q", self._cursor.data, found.end())
                self._default = DataType.DOUBLE if size == 8 else DataType.FLOAT
        return self._default


def _relations(cursor: Cursor, nodes: dict[str, RawNode]) -> None:
    """The inputs of every node, in an entry of its own."""
    cursor.marker("BRelation")
    seen: set[str] = set()
    for index in range(len(nodes)):
        cursor.place = f"relation {index}"
        at = cursor.offset
        name = _known_name(cursor, nodes, "name")
        if name in seen:
            raise cursor.wrong("the inputs of one node are stated twice", "name", offset=at, found=shown(name))
        seen.add(name)
        number = cursor.count(
            "inputCount", element_bytes=_NAME_BYTES, limit=cursor.limits.function_inputs, resource="inputs of one node"
        )
        if number:
            nodes[name] = replace(nodes[name], inputs=tuple(_known_name(cursor, nodes, "input") for _ in range(number)))
    cursor.place = ""
    cursor.marker("ERelation")


def _known_name(cursor: Cursor, nodes: Mapping[str, RawNode], field: str) -> str:
    """A name, which must be that of a node; the node's own string is returned, so that each name is held once."""
    at = cursor.offset
    name = cursor.wide_text(field)
    node = nodes.get(name)
    if node is None:
        raise cursor.wrong("a name that no node has", field, offset=at, found=shown(name))
    return node.name


def _groups(cursor: Cursor, nodes: Mapping[str, RawNode]) -> dict[str, tuple[str, ...]]:
    """The groups of root nodes: all optional, in a fixed order, some in older spellings."""
    groups: dict[str, tuple[str, ...]] = {}
    cursor.place = "root nodes"
    cursor.marker("BRootNodes")
    if cursor.try_marker("BFeatureNodes"):
        groups["feature"] = _group(cursor, nodes, "feature")
        cursor.marker("EFeatureNodes")
    if cursor.try_marker("BLabelNodes"):
        groups["label"] = _group(cursor, nodes, "label")
    # CNTK wants the end marker even where the group is left out.
    cursor.marker("ELabelNodes")
    if cursor.try_marker("BCriterionNodes") or cursor.try_marker("BCriteriaNodes"):
        groups["criterion"] = _group(cursor, nodes, "criterion")
        if not cursor.try_marker("ECriteriaNodes"):
            cursor.marker("ECriterionNodes")
    if cursor.try_marker("BNodesReqMultiSeqHandling"):
        for _ in range(_group_size(cursor, "multiSequence")):
            cursor.wide_text("multiSequence")  # A defunct group: its names mean nothing.
        cursor.marker("ENodesReqMultiSeqHandling")
    if cursor.try_marker("BEvalNodes"):
        groups["evaluation"] = _group(cursor, nodes, "evaluation")
        cursor.marker("EEvalNodes")
    if cursor.try_marker("BOutputNodes"):
        groups["output"] = _group(cursor, nodes, "output")
        cursor.marker("EOutputNodes")
    _no_pairs(cursor)
    cursor.marker("ERootNodes")
    cursor.place = ""
    return groups


def _group(cursor: Cursor, nodes: Mapping[str, RawNode], field: str) -> tuple[str, ...]:
    return tuple(_known_name(cursor, nodes, field) for _ in range(_group_size(cursor, field)))


def _group_size(cursor: Cursor, field: str) -> int:
    return cursor.count(field, element_bytes=_NAME_BYTES, limit=_most_nodes(cursor.limits), resource="nodes of one group")


def _no_pairs(cursor: Cursor) -> None:
    """A defunct group that must be empty."""
    if not cursor.try_marker("BPairNodes"):
        return
    start = cursor.offset
    number = cursor.u64("pair")
    if number:
        raise cursor.wrong(
            "pair nodes, which CNTK does not support any more", "pair", offset=start, expected="0", found=str(number)
        )
    cursor.marker("EPairNodes")
