"""A CNTK model as data: what a file says, faithfully, before anything is inferred from it.

``bridge.source`` produces a ``Model`` from either file format; nothing behind it knows which one it was. Nothing here is
trusted beyond what the readers promise: sizes agree with payloads, uids are unique, operator ids exist.

Shapes of variables and tensors are **row-major** (as CNTK's Python API shows them); shapes and axes inside *attributes* stay as
in the file, column-major, because their meaning differs from operator to operator (see ``bridge.graph.attributes``).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

FREE = -3
"""A static dimension that is bound at run time, the same for all samples of a batch (CNTK's ``FreeDimension``)."""
INFERRED = -1
"""A static dimension left open by an unfinished model (CNTK's ``InferredDimension``)."""


class DataType(enum.IntEnum):
    """Element types, with the codes of the v2 format."""

    UNKNOWN = 0
    FLOAT = 1
    DOUBLE = 2
    UCHAR = 3
    FLOAT16 = 4
    INT8 = 5
    INT16 = 6


NUMPY_TYPES: Mapping[DataType, np.dtype[np.generic]] = {
    DataType.FLOAT: np.dtype(np.float32),
    DataType.DOUBLE: np.dtype(np.float64),
    DataType.FLOAT16: np.dtype(np.float16),
    DataType.INT8: np.dtype(np.int8),
    DataType.INT16: np.dtype(np.int16),
}


class VariableKind(enum.IntEnum):
    """Kinds of variables, with the codes of the v2 format."""

    INPUT = 0
    OUTPUT = 1
    PARAMETER = 2
    CONSTANT = 3
    PLACEHOLDER = 4


class AxisKind(enum.Enum):
    """What an axis value refers to."""

    STATIC = "static"
    BATCH = "batch"
    SEQUENCE = "sequence"
    ALL_STATIC = "all static axes"
    UNKNOWN_DYNAMIC = "unknown dynamic axes"
    END_STATIC = "one past the last static axis"
    ALL = "all axes"


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis as a file states it.

    ``index`` has meaning for static axes alone: column-major, 0 the fastest; negative counts from the end.
    ``name`` has meaning for batch and sequence axes alone.
    """

    kind: AxisKind
    index: int = 0
    name: str = ""


DEFAULT_BATCH_AXIS = Axis(AxisKind.BATCH, name="defaultBatchAxis")
DEFAULT_SEQUENCE_AXIS = Axis(AxisKind.SEQUENCE, name="defaultDynamicAxis")


class NDShape(tuple[int, ...]):
    """A shape inside attributes: column-major, with ``INFERRED`` and ``FREE`` for CNTK's sentinels."""

    __slots__ = ()


UNKNOWN_SHAPE = NDShape((-2,))
"""CNTK's ``NDShape::Unknown``: not even the rank is known. Met on placeholders and as a global pooling window."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """The value of a parameter or constant.

    ``values`` is flat and, where the file's form allows, a view of the file's bytes: never copied, possibly unaligned, read-only.
    float16 payloads are stored widened to float32; ``array`` narrows them.
    """

    data_type: DataType
    shape: tuple[int, ...]  # row-major
    values: npt.NDArray[np.generic]
    offset: int = 0  # of the payload, in the file

    def array(self) -> npt.NDArray[np.generic]:
        """The value in its own type and row-major shape; a view where the stored form is the own form."""
        return self.values.astype(NUMPY_TYPES[self.data_type], copy=False).reshape(self.shape)


@dataclass(frozen=True, slots=True)
class Variable:
    """A leaf: input, parameter, constant or placeholder."""

    uid: str
    kind: VariableKind
    data_type: DataType
    shape: tuple[int, ...] | None  # row-major; None: not even the rank is known
    dynamic_axes: tuple[Axis, ...] = ()
    name: str = ""
    is_sparse: bool = False
    needs_gradient: bool = False
    value: Tensor | None = None  # of parameters and constants
    offset: int = 0


AttributeValue = (
    None | bool | int | float | str | NDShape | Axis | Tensor | tuple["AttributeValue", ...] | Mapping[str, "AttributeValue"]
)
Attributes = Mapping[str, AttributeValue]


@dataclass(frozen=True, slots=True)
class Block:
    """The inside of a ``Block`` function: its meaning is that of ``root``, with placeholders bound as ``arguments`` says."""

    op_name: str
    root: str  # uid of the inner root function
    arguments: Mapping[str, str]  # inner placeholder uid -> outer uid


@dataclass(frozen=True, slots=True)
class UserCode:
    """What a user-defined function would have made CNTK import or open. Text to show, nothing else."""

    native: bool
    op_name: str
    module: str
    symbol: str  # class, or the exported function that deserialises


@dataclass(frozen=True, slots=True)
class Function:
    """An operator application. ``op`` is a name of ``bridge.graph.operators``, or ``UserDefined``."""

    uid: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]  # uids of the outputs of its own; Combine has none
    name: str = ""
    attributes: Attributes = field(default_factory=dict)
    block: Block | None = None
    user_code: UserCode | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Hazard:
    """Something legal but noteworthy in a file: shown by ``bridge inspect``, recorded in results."""

    kind: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Model:
    """What a model file holds."""

    format: str  # "v2" or "v1"
    format_version: str  # as the format counts, for people: "dictionary 2, composite 3, function 24"
    root: str  # uid of the root function
    functions: Mapping[str, Function]
    variables: Mapping[str, Variable]
    name: str = ""
    hazards: tuple[Hazard, ...] = ()

    @property
    def user_functions(self) -> tuple[Function, ...]:
        """Functions that are user code."""
        return tuple(function for function in self.functions.values() if function.user_code is not None)
