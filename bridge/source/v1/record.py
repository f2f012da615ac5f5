"""One node while it is read: the cursor, the version that decides which fields there are, and the fields so far."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from bridge.graph.model import DataType
from bridge.source.v1.cursor import Cursor
from bridge.source.v1.raw import FieldValue, Matrix

LAST_VERSION = 31
_TENSOR_SHAPES_VERSION = 8  # From here on no file holds the three-number form of shapes.
_ELEMENT_BYTES = {DataType.FLOAT: 4, DataType.DOUBLE: 8}


@dataclass(slots=True)
class Record:
    """The fields of one node, as far as they are read. ``data_type`` is the node's element type."""

    cursor: Cursor
    version: int
    data_type: DataType
    fields: dict[str, FieldValue] = field(default_factory=dict)

    def shape(self, name: str) -> tuple[int, ...]:
        """A rank and its dimensions, column-major; their product is bounded by ``tensor_elements`` (a 0 counts as 1)."""
        cursor = self.cursor
        start = cursor.offset
        rank = cursor.u32(name)
        if rank > cursor.limits.rank:
            raise cursor.beyond("dimensions", name, limit=cursor.limits.rank, actual=rank, offset=start)
        dims = tuple(cursor.u32(name) for _ in range(rank))
        elements = math.prod(dim or 1 for dim in dims)
        if elements > cursor.limits.tensor_elements:
            raise cursor.beyond("tensor elements", name, limit=cursor.limits.tensor_elements, actual=elements, offset=start)
        return dims

    def shape_or_image(self, name: str) -> tuple[int, ...]:
        """A shape, or in files before version 8 perhaps the older form: three 64-bit numbers W, H, C that mean [C, W, H].

        CNTK tells them apart by the second 32-bit word: in the older form it is the high half of W, hence 0; in the newer one it
        is the first dimension, never 0 in practice.
        """
        cursor = self.cursor
        if self.version >= _TENSOR_SHAPES_VERSION or cursor.left < 8 or any(cursor.data[cursor.offset + 4 : cursor.offset + 8]):
            return self.shape(name)
        start = cursor.offset
        width, height, channels = (cursor.u64(name) for _ in range(3))
        dims = (channels, width, height)
        elements = math.prod(dim or 1 for dim in dims)
        if elements > cursor.limits.tensor_elements:
            raise cursor.beyond("tensor elements", name, limit=cursor.limits.tensor_elements, actual=elements, offset=start)
        return dims

    def element(self, name: str) -> float:
        """A number of the node's element type."""
        return self.cursor.f64(name) if self._element_bytes(name) == 8 else self.cursor.f32(name)

    def matrix(self, name: str) -> Matrix:
        """A dense matrix whose values stay in the file."""
        cursor = self.cursor
        start = cursor.offset
        kind = cursor.u8(name)
        if kind != ord("d"):
            raise cursor.wrong(
                "a matrix is not dense",
                name,
                offset=start,
                expected="'d'",
                found=repr(chr(kind)),
                advice="sparse parameters cannot be read: no release of CNTK reads them back on a CPU",
            )
        cursor.marker("BMAT")
        size = self._stated_element_bytes(name)
        cursor.wide_text(f"{name}.name")
        self._dense_format(name)
        matrix = self._values(name, size)
        cursor.marker("EMAT")
        return matrix

    def _stated_element_bytes(self, name: str) -> int:
        cursor = self.cursor
        start = cursor.offset
        stated = cursor.u64(f"{name}.elementSize")
        wanted = self._element_bytes(name)
        if stated != wanted:
            raise cursor.wrong(
                "the element size of a matrix does not fit its node",
                f"{name}.elementSize",
                offset=start,
                expected=f"{wanted} bytes ({self.data_type.name.lower()})",
                found=str(stated),
            )
        return wanted

    def _dense_format(self, name: str) -> None:
        cursor = self.cursor
        start = cursor.offset
        stated = cursor.i32(f"{name}.format")
        if stated != 0:
            raise cursor.wrong(
                "a matrix is not dense column-major", f"{name}.format", offset=start, expected="0", found=str(stated)
            )

    def _values(self, name: str, element_bytes: int) -> Matrix:
        cursor = self.cursor
        start = cursor.offset
        rows, columns = cursor.u64(f"{name}.rows"), cursor.u64(f"{name}.columns")
        elements = rows * columns
        if elements > cursor.limits.tensor_elements:
            raise cursor.beyond("tensor elements", name, limit=cursor.limits.tensor_elements, actual=elements, offset=start)
        at = cursor.take(elements * element_bytes, f"{name}.values")
        dtype = np.dtype("<f8" if element_bytes == 8 else "<f4")
        values = np.frombuffer(cursor.data, dtype, elements, at) if elements else np.empty(0, dtype)
        values.flags.writeable = False
        return Matrix(rows, columns, values, at)

    def _element_bytes(self, name: str) -> int:
        if self.data_type not in _ELEMENT_BYTES:
            raise self.cursor.wrong(
                "numbers in half precision cannot be read",
                name,
                offset=self.cursor.offset,
                expected="float or double",
                found="half",
                advice="CNTK itself does not import such files: save the model in the v2 format",
            )
        return _ELEMENT_BYTES[self.data_type]


Step = Callable[[Record], None]
"""Reads some fields of a node into ``Record.fields``."""

Layout = tuple[Step, ...]
"""What is stored for a node of one operator, in order."""

Reader = Callable[[Record, str], FieldValue]


@dataclass(frozen=True, slots=True)
class Field:
    """A step that reads one field, in files of version ``since`` to ``until``; in others the field is ``default``."""

    name: str
    read: Reader
    since: int = 1
    until: int = LAST_VERSION
    default: FieldValue | None = None

    def __call__(self, record: Record) -> None:
        """Read the field, or set its default."""
        if self.since <= record.version <= self.until:
            record.fields[self.name] = self.read(record, self.name)
        elif self.default is not None:
            record.fields[self.name] = self.default
