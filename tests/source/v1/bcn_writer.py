"""Writes v1 ("BCN") files for tests, from the description of the format and independently of the reader."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

SECTIONS = {
    "feature": ("BFeatureNodes", "EFeatureNodes"),
    "label": ("BLabelNodes", "ELabelNodes"),
    "criterion": ("BCriterionNodes", "ECriterionNodes"),
    "evaluation": ("BEvalNodes", "EEvalNodes"),
    "output": ("BOutputNodes", "EOutputNodes"),
}
"""Begin and end markers of the groups of root nodes, in the order of the file."""


def u32(value: int) -> bytes:
    return struct.pack("<I", value)


def i32(value: int) -> bytes:
    return struct.pack("<i", value)


def u64(value: int) -> bytes:
    return struct.pack("<Q", value)


def i64(value: int) -> bytes:
    return struct.pack("<q", value)


def f32(value: float) -> bytes:
    return struct.pack("<f", value)


def f64(value: float) -> bytes:
    return struct.pack("<d", value)


def flag(value: bool) -> bytes:
    return bytes([value])


def wide(text: str) -> bytes:
    """A string of 16-bit code units with its end; also what a marker is."""
    return (text + "\0").encode("utf-16-le")


def shape(*dims: int) -> bytes:
    return u32(len(dims)) + b"".join(map(u32, dims))


def image(width: int, height: int, channels: int) -> bytes:
    """The older form of a shape."""
    return u64(width) + u64(height) + u64(channels)


def flags(*values: bool) -> bytes:
    return u64(len(values)) + bytes(values)


def numbers(*values: int) -> bytes:
    return u64(len(values)) + b"".join(map(u64, values))


@dataclass
class BcnFile:
    """A file under construction: nodes with their bytes, relations, groups."""

    version: int = 31
    double: bool = False
    nodes: list[tuple[str, str, bytes, str | None]] = field(default_factory=list)
    relations: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def precision(self) -> str:
        return "double" if self.double else "float"

    def element(self, value: float) -> bytes:
        """A number of the file's type."""
        return f64(value) if self.double else f32(value)

    def matrix(self, rows: int, columns: int, values: Sequence[float]) -> bytes:
        """A dense matrix of the file's type; ``values`` in the file's order."""
        size, dtype = (8, "<f8") if self.double else (4, "<f4")
        head = b"d" + wide("BMAT") + u64(size) + wide("unnamed") + i32(0) + u64(rows) + u64(columns)
        return head + np.asarray(values, dtype).tobytes() + wide("EMAT")

    def node(self, op: str, name: str, *fields: bytes, inputs: Sequence[str] = (), precision: str | None = None) -> str:
        """Add a node with ``fields`` as its bytes; returns its name."""
        self.nodes.append((op, name, b"".join(fields), precision))
        self.relations.append((name, tuple(inputs)))
        return name

    def parameter(self, name: str, dims: Sequence[int], values: Sequence[float], *, constant: bool = False) -> str:
        """Add a LearnableParameter; ``dims`` column-major."""
        rows = dims[0] if dims else 1
        columns = int(np.prod(dims[1:], dtype=np.int64))
        if self.version >= 3:
            head = f32(0.0 if constant else 1.0) + shape(*dims)
        else:
            head = flag(not constant) + u64(rows) + u64(columns)
        return self.node("LearnableParameter", name, head, self.matrix(rows, columns, values))

    def input(self, name: str, *dims: int, axis: str | None = "", sparse: bool = False) -> str:
        """Add an input; ``axis`` None leaves the count of axes at 0."""
        body = u64(0) + u64(0) + shape(*dims)
        if self.version >= 8:
            body += u32(0) if axis is None else u32(1) + wide(axis)
        if self.version >= 10:
            body += f32(0.0)
        return self.node("SparseInputValue" if sparse else "InputValue", name, body)

    def group(self, kind: str, *names: str) -> None:
        """List ``names`` in one of ``SECTIONS``."""
        self.groups[kind] = names

    def head(self) -> bytes:
        """Everything before the number of nodes."""
        return wide("BCN") + (wide("BVersion") + u64(self.version) + wide("EVersion") if self.version > 1 else b"")

    def node_list(self) -> bytes:
        """The section of nodes."""
        parts = [u64(len(self.nodes)), wide("BNodeList")]
        for op, name, body, precision in self.nodes:
            tag = wide(self.precision if precision is None else precision) if self.version >= 7 else b""
            parts.append(tag + wide(op) + wide(name) + body)
        return b"".join([*parts, wide("ENodeList")])

    def relation_list(self) -> bytes:
        """The section of relations."""
        entries = [wide(name) + u64(len(inputs)) + b"".join(map(wide, inputs)) for name, inputs in self.relations]
        return wide("BRelation") + b"".join(entries) + wide("ERelation")

    def root_list(self) -> bytes:
        """The section of groups, and the end of the file."""
        parts = [wide("BRootNodes")]
        for kind, (begin, end) in SECTIONS.items():
            if kind in self.groups:
                names = self.groups[kind]
                parts.append(wide(begin) + u64(len(names)) + b"".join(map(wide, names)) + wide(end))
            elif kind == "label":
                parts.append(wide(end))
        return b"".join([*parts, wide("ERootNodes"), wide("ECN")])

    def build(self) -> bytes:
        """The bytes of the whole file."""
        return self.head() + self.node_list() + self.relation_list() + self.root_list()
