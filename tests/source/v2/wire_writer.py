"""A writer of the v2 format for tests: nested Python data -> bytes, in CNTK's own form unless asked for another.

``bool``, ``str``, ``dict``, ``list``, ``None`` and numpy arrays stand for themselves; what Python cannot tell has a class.
``Raw`` puts any bytes in the place of a value, which is how hostile files are made.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

UNKNOWN_DIM, FREE_DIM, INFERRED_DIM = (1 << 64) - 2, (1 << 64) - 3, (1 << 64) - 1
DYNAMIC_AXIS = 0x7FFFFFFF
DATA_TYPES = {"float32": 1, "float64": 2, "float16": 4, "int8": 5, "int16": 6}


@dataclass(frozen=True)
class Size:
    number: int


@dataclass(frozen=True)
class Int:
    number: int


@dataclass(frozen=True)
class Float:
    number: float


@dataclass(frozen=True)
class Double:
    number: float


class Shape(tuple[int, ...]):
    """Column-major, sentinels as the numbers in the file."""

    __slots__ = ()


@dataclass(frozen=True)
class AxisValue:
    index: int
    name: str = ""
    ordered: bool = False


@dataclass(frozen=True)
class Detached:
    """An array whose elements are not in the message."""

    data_type: int
    shape: Sequence[int]


@dataclass(frozen=True)
class Raw:
    """The bytes of a ``DictionaryValue``."""

    octets: bytes


Value = Any
BATCH = AxisValue(DYNAMIC_AXIS, "defaultBatchAxis")
SEQUENCE = AxisValue(DYNAMIC_AXIS, "defaultDynamicAxis", ordered=True)


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    octets = bytearray()
    while number >= 0x80:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    octets.append(number)
    return bytes(octets)


def number_field(field: int, number: int) -> bytes:
    return varint(field << 3) + varint(number)


def bytes_field(field: int, payload: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def entry(key: str | bytes, value: bytes) -> bytes:
    """A field ``data`` of a Dictionary, with the bytes of a value."""
    return bytes_field(2, bytes_field(1, key.encode() if isinstance(key, str) else key) + bytes_field(2, value))


def dictionary(content: Mapping[str, Value] | Iterable[tuple[str, Value]], version: int = 2) -> bytes:
    """A Dictionary; as pairs, it may have a key twice."""
    pairs = content.items() if isinstance(content, Mapping) else content
    return _version(version) + b"".join(entry(key, value_message(value, version)) for key, value in pairs)


def value_message(value: Value, version: int = 2) -> bytes:
    """A DictionaryValue."""
    if isinstance(value, Raw):
        return value.octets
    code, member = _member(value, version)
    return _version(version) + (number_field(2, code) if code else b"") + member


def vector(values: Iterable[Value], version: int = 2) -> bytes:
    return b"".join(bytes_field(1, value_message(value, version)) for value in values)


def shape_message(dims: Iterable[int], *, packed: bool = True) -> bytes:
    dims = list(dims)
    if not packed:
        return b"".join(number_field(1, dim) for dim in dims)
    return bytes_field(1, b"".join(varint(dim) for dim in dims)) if dims else b""


def axis_message(axis: AxisValue) -> bytes:
    octets = number_field(1, axis.index) if axis.index else b""
    octets += bytes_field(2, axis.name.encode()) if axis.name else b""
    return octets + (number_field(3, 1) if axis.ordered else b"")


def array_header(data_type: int, dims: Iterable[int]) -> bytes:
    return number_field(1, data_type) + bytes_field(3, shape_message(dims))


def array_message(array: npt.NDArray[Any]) -> bytes:
    """An NDArrayView with the values inside; its shape is written in reverse, as CNTK counts dimensions."""
    header = array_header(DATA_TYPES[array.dtype.name], reversed(array.shape))
    flat = np.ascontiguousarray(array).reshape(-1)
    if array.dtype.name in ("float32", "float16"):
        return header + bytes_field(4, bytes_field(1, flat.astype("<f4").tobytes()))
    if array.dtype.name == "float64":
        return header + bytes_field(5, bytes_field(1, flat.astype("<f8").tobytes()))
    if array.dtype.name == "int8":
        return header + bytes_field(6, bytes_field(1, flat.tobytes()))
    return header + bytes_field(7, bytes_field(1, zigzag(flat.tolist())))


def zigzag(numbers: Iterable[int]) -> bytes:
    return b"".join(varint(number << 1 if number >= 0 else (-number << 1) - 1) for number in numbers)


def container(message: bytes, payloads: bytes) -> bytes:
    """The form for models too large for one message."""
    return b"ktnc" + struct.pack("<I", len(message)) + message + payloads


def _version(version: int) -> bytes:
    return number_field(1, version) if version else b""


def _member(value: Value, version: int) -> tuple[int, bytes]:
    """Type code and oneof member."""
    match value:
        case None:
            return 0, b""
        case bool():
            return 1, number_field(3, int(value))
        case Int():
            return 2, number_field(4, value.number)
        case Size():
            return 3, number_field(5, value.number)
        case Float():
            return 4, varint(6 << 3 | 5) + struct.pack("<f", value.number)
        case Double():
            return 5, varint(7 << 3 | 1) + struct.pack("<d", value.number)
        case str():
            return 6, bytes_field(8, value.encode())
        case Shape():
            return 7, bytes_field(9, shape_message(value))
        case AxisValue():
            return 8, bytes_field(10, axis_message(value))
        case list():
            return 9, bytes_field(11, vector(value, version))
        case dict():
            return 10, bytes_field(12, dictionary(value, version))
        case Detached():
            return 11, bytes_field(13, array_header(value.data_type, value.shape))
        case np.ndarray():
            return 11, bytes_field(13, array_message(value))
        case _:
            raise TypeError(type(value).__name__)
