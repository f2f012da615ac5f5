"""What a v1 file says, node by node, before any of it is translated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bridge.graph.model import DataType


@dataclass(frozen=True, slots=True)
class Matrix:
    """A dense, column-major matrix. ``values`` is flat: a read-only view of the file, possibly unaligned.

    CNTK's matrices are two-dimensional views of tensors, so that ``rows`` and ``columns`` say less than the node's shape.
    """

    rows: int
    columns: int
    values: npt.NDArray[np.generic]
    offset: int


FieldValue = bool | int | float | str | tuple[int, ...] | tuple[bool, ...] | Matrix
Fields = Mapping[str, FieldValue]


@dataclass(frozen=True, slots=True)
class RawNode:
    """A node with its fields, named as in ``layouts``; shapes are column-major.

    ``op`` is the current spelling of the operator (see ``layouts.OLD_SPELLINGS``); ``data_type`` the node's own element type,
    and ``source_type`` that of what a Cast reads, where the file says it.
    """

    name: str
    op: str
    data_type: DataType
    fields: Fields
    offset: int
    inputs: tuple[str, ...] = ()
    source_type: DataType | None = None

    def integer(self, key: str) -> int:
        """An integer field."""
        value = self.fields[key]
        assert isinstance(value, int), key
        return int(value)

    def number(self, key: str) -> float:
        """A numeric field."""
        value = self.fields[key]
        assert isinstance(value, int | float), key
        return float(value)

    def flag(self, key: str) -> bool:
        """A truth value."""
        value = self.fields[key]
        assert isinstance(value, bool), key
        return value

    def text(self, key: str) -> str:
        """A string field."""
        value = self.fields[key]
        assert isinstance(value, str), key
        return value

    def integers(self, key: str) -> tuple[int, ...]:
        """A shape (column-major) or a vector of numbers."""
        value = self.fields[key]
        assert isinstance(value, tuple), key
        return tuple(int(item) for item in value)

    def flags(self, key: str) -> tuple[bool, ...]:
        """A vector of truth values."""
        value = self.fields[key]
        assert isinstance(value, tuple), key
        return tuple(bool(item) for item in value)

    def matrix(self, key: str) -> Matrix:
        """A matrix field."""
        value = self.fields[key]
        assert isinstance(value, Matrix), key
        return value


@dataclass(frozen=True, slots=True)
class RawModel:
    """A whole file: nodes by name in file order, with their inputs, and the groups of names that the file lists at its end.

    Groups are ``feature``, ``label``, ``criterion``, ``evaluation`` and ``output``; one that a file leaves out is missing here.
    """

    version: int
    nodes: Mapping[str, RawNode]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
