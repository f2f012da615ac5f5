"""Write large CNTK models without CNTK, for the benchmarks: dense layers with ReLU, in the v2 format.

A file is written front to back and never held in memory: protobuf puts the length of a message before it, and the
lengths follow from the shapes. Both forms of the format are written, the plain one and the container that CNTK uses
from 2 GiB on. What is written loads in CNTK 2.7, which ``tests/targets/test_benchmark_writer.py`` checks where CNTK is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

CONTAINER_MAGIC = 0x636E746B
CONTAINER_FROM = (1 << 31) - 1
"""Bytes from which CNTK writes the container instead of a single message."""

# Codes of the format: types of dictionary values (a value's field number is its type's code + 2), kinds of variables, operators.
_BOOL, _INT, _SIZE, _STRING, _SHAPE, _AXIS, _VECTOR, _DICTIONARY, _ARRAY = 1, 2, 3, 6, 7, 8, 9, 10, 11
_INPUT, _PARAMETER = 0, 2
_RELU, _PLUS, _TIMES = 3, 19, 31
_FLOAT = 1
_FORMAT_VERSION = 2
_MINUS_ONE = (1 << 64) - 1


@dataclass(frozen=True)
class Weights:
    """Reproducible float32 values, made when they are written. ``shape`` is row-major; ``key`` seeds the generator."""

    shape: tuple[int, ...]
    key: tuple[int, int]

    @property
    def nbytes(self) -> int:
        """Bytes of all values."""
        return 4 * int(np.prod(self.shape))

    def values(self) -> npt.NDArray[np.float32]:
        """The values: normal, scaled so that a signal keeps its size from layer to layer."""
        normal = np.random.default_rng(self.key).standard_normal(self.shape, np.float32)
        return normal * np.float32(np.sqrt(2 / self.shape[0]))


Message = list[bytes | Weights]


def write_dense_model(path: Path, *, layers: int, width: int = 4096, seed: int = 0, container: bool | None = None) -> int:
    """Write ``layers`` times ``x -> relu(x @ w + b)`` with square ``w`` to ``path``; its size in bytes.

    ``container``: write the container for more than 2 GiB; by default where CNTK would.
    """
    weights = [Weights((width, width), (seed, layer)) for layer in range(layers)]
    biases = [Weights((width,), (seed, layers + layer)) for layer in range(layers)]
    message = _model(weights, biases, inline=True)
    if container is None:
        container = _length(message) >= CONTAINER_FROM
    if container:
        message = _model(weights, biases, inline=False)
        parameters = [each for pair in zip(weights, biases, strict=True) for each in pair]
        message = [struct.pack("<II", CONTAINER_MAGIC, _length(message)), *message, *parameters]
    with path.open("wb") as file:
        for piece in message:
            _write(file, piece)
    return _length(message)


def _write(file: BinaryIO, piece: bytes | Weights) -> None:
    file.write(piece if isinstance(piece, bytes) else piece.values().data)


def _model(weights: Sequence[Weights], biases: Sequence[Weights], *, inline: bool) -> Message:
    leaves, functions = [], []
    signal = "Input0"
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        leaves.append(_parameter(f"Weight{layer}", f"w{layer}", weight, inline=inline))
        leaves.append(_parameter(f"Bias{layer}", f"b{layer}", bias, inline=inline))
        times = _dictionary(outputRank=_number(_SIZE, 1), inferInputRankToMap=_number(_INT, _MINUS_ONE))
        functions.append(_function(f"Times{layer}", _TIMES, [f"Weight{layer}", signal], times))
        functions.append(_function(f"Plus{layer}", _PLUS, [f"Times{layer}_Output_0", f"Bias{layer}"], _dictionary()))
        functions.append(_function(f"ReLU{layer}", _RELU, [f"Plus{layer}_Output_0"], _dictionary()))
        signal = f"ReLU{layer}_Output_0"
    leaves.append(_input("Input0", "features", weights[0].shape[0]))
    return _entries(
        version=_number(_SIZE, 3),
        type=_text("CompositeFunction"),
        uid=_text("CompositeFunction0"),
        root=_text(f"ReLU{len(weights) - 1}"),
        inputs=_vector(leaves),
        primitive_functions=_vector(functions),
    )


def _parameter(uid: str, name: str, weights: Weights, *, inline: bool) -> Message:
    shape = _shape(weights.shape)
    values = [*_field(4, _field(1, [weights]))] if inline else []
    array = [*_integer(1, _FLOAT), *_field(3, shape), *values]
    return _variable(uid, name, _PARAMETER, weights.shape, [], needs_gradient=1, value=_value(_ARRAY, array))


def _input(uid: str, name: str, width: int) -> Message:
    batch = _value(_AXIS, [*_integer(1, 0x7FFFFFFF), *_field(2, [b"defaultBatchAxis"])])
    return _variable(uid, name, _INPUT, (width,), [batch], needs_gradient=0)


def _variable(
    uid: str, name: str, kind: int, shape: tuple[int, ...], axes: list[Message], *, needs_gradient: int, **more: Message
) -> Message:
    return _dictionary(
        version=_number(_SIZE, 1),
        type=_text("Variable"),
        uid=_text(uid),
        kind=_number(_SIZE, kind),
        data_type=_number(_SIZE, _FLOAT),
        dynamic_axis=_vector(axes),
        is_sparse=_number(_BOOL, 0),
        name=_text(name),
        needs_gradient=_number(_BOOL, needs_gradient),
        shape=_value(_SHAPE, _shape(shape)),
        **more,
    )


def _function(uid: str, operator: int, inputs: list[str], attributes: Message) -> Message:
    return _dictionary(
        version=_number(_SIZE, 24),
        type=_text("PrimitiveFunction"),
        uid=_text(uid),
        op=_number(_SIZE, operator),
        attributes=attributes,
        inputs=_vector([_text(each) for each in inputs]),
    )


def _shape(shape: tuple[int, ...]) -> Message:
    """An NDShape: column-major, packed."""
    return _field(1, [b"".join(_varint(size) for size in reversed(shape))])


def _entries(**values: Message) -> Message:
    """A Dictionary: a version and a map."""
    message = _integer(1, _FORMAT_VERSION)
    for key, value in values.items():
        message += _field(2, [*_field(1, [key.encode()]), *_field(2, value)])
    return message


def _dictionary(**values: Message) -> Message:
    return _value(_DICTIONARY, _entries(**values))


def _vector(values: Sequence[Message]) -> Message:
    return _value(_VECTOR, [piece for value in values for piece in _field(1, value)])


def _text(text: str) -> Message:
    return _value(_STRING, [text.encode()])


def _number(kind: int, number: int) -> Message:
    return [*_integer(1, _FORMAT_VERSION), *_integer(2, kind), *_integer(kind + 2, number)]


def _value(kind: int, content: Message) -> Message:
    """A DictionaryValue that holds text or a message."""
    return [*_integer(1, _FORMAT_VERSION), *_integer(2, kind), *_field(kind + 2, content)]


def _integer(number: int, value: int) -> Message:
    return [_varint(number << 3) + _varint(value)]


def _field(number: int, content: Message) -> Message:
    return [_varint(number << 3 | 2) + _varint(_length(content)), *content]


def _length(message: Message) -> int:
    return sum(len(piece) if isinstance(piece, bytes) else piece.nbytes for piece in message)


def _varint(value: int) -> bytes:
    return bytes(_septets(value))


def _septets(value: int) -> Iterator[int]:
    while value > 0x7F:
        yield value & 0x7F | 0x80
        value >>= 7
    yield value
