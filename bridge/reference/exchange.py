"""The files by which the two interpreters talk: one JSON document, one file of bytes that it refers to.

What comes back was written by a process that has read an untrusted model, so that it is believed no more than a file from
outside: every type, count and offset is checked, and every size against that of the file.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bridge.errors import ReferenceEngineError
from bridge.reference.values import Array, Batch, EngineLimits, ReferenceValue, ReferenceVariable

REQUEST, RESULT, TENSORS = "request.json", "result.json", "tensors.bin"
_DTYPES = frozenset({"float16", "float32", "float64"})
_RANK = 32
_VALUES = 1_000_000  # of a result, and parts of one value


@dataclass(frozen=True, slots=True)
class Answer:
    """A result document and the values that it describes, by key."""

    document: Mapping[str, Any]
    values: Mapping[str, ReferenceValue]


def write_request(folder: Path, document: Mapping[str, Any], inputs: Mapping[str, Batch]) -> None:
    """Write ``request.json``, which is ``document`` with the ``inputs`` added, and ``tensors.bin``."""
    entries = []
    offset = 0
    with (folder / TENSORS).open("wb") as stream:
        for key, batch in inputs.items():
            parts = []
            for array in batch if isinstance(batch, list) else [batch]:
                data = np.ascontiguousarray(array).tobytes()
                parts.append({"dtype": array.dtype.name, "shape": list(array.shape), "offset": offset})
                stream.write(data)
                offset += len(data)
            entries.append({"key": key, "ragged": isinstance(batch, list), "parts": parts})
    (folder / REQUEST).write_text(json.dumps({**document, "inputs": entries}), encoding="utf-8")


def read_answer(folder: Path, limits: EngineLimits) -> Answer | None:
    """What the engine wrote; None where it did not come to that. ``ReferenceEngineError`` for an answer out of form."""
    text = _read_file(folder / RESULT, limits.document_bytes)
    if text is None:
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _malformed(f"{RESULT} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise _malformed(f"{RESULT} is no object")
    data = _read_file(folder / TENSORS, limits.output_bytes) or b""
    return Answer(document, dict(_values(document, data)))


def _read_file(path: Path, most: int) -> bytes | None:
    """A regular file of at most ``most`` bytes; None where there is none. Links are not followed, pipes not waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _malformed(f"{path.name} cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _malformed(f"{path.name} is no regular file")
        if status.st_size > most:
            raise _malformed(f"{path.name} is longer than {most} bytes")
        return stream.read(most)


def read_texts(document: Mapping[str, Any], key: str) -> dict[str, str]:
    """A member that maps text to text, empty where it is absent."""
    value = document.get(key, {})
    if not isinstance(value, dict) or len(value) > _VALUES or not all(isinstance(text, str) for text in value.values()):
        raise _malformed(f"{key} does not map text to text")
    return value


def read_list(document: Mapping[str, Any], key: str) -> list[Any]:
    """A member that is a list, empty where it is absent."""
    value = document.get(key, [])
    if not isinstance(value, list) or len(value) > _VALUES:
        raise _malformed(f"{key} is no list, or too long")
    return value


def read_variable(entry: Any) -> ReferenceVariable:
    """A described variable; ``ReferenceEngineError`` where the description is out of form."""
    if not isinstance(entry, dict):
        raise _malformed("a variable is no object")
    axes, sparse = entry.get("dynamic_axes"), entry.get("sparse")
    if not isinstance(axes, list) or not all(isinstance(axis, str) for axis in axes) or not isinstance(sparse, bool):
        raise _malformed("a variable's axes or storage")
    return ReferenceVariable(
        uid=_text(entry, "uid"),
        name=_text(entry, "name"),
        operator=_text(entry, "operator"),
        shape=_shape(entry.get("shape"), lowest=-3),
        dtype=_text(entry, "dtype"),
        dynamic_axes=tuple(axes),
        sparse=sparse,
    )


def _values(document: Mapping[str, Any], data: bytes) -> Iterator[tuple[str, ReferenceValue]]:
    for entry in read_list(document, "values"):
        variable = read_variable(entry)
        parts = entry.get("parts")
        if not isinstance(parts, list) or len(parts) > _VALUES or not isinstance(entry.get("ragged"), bool):
            raise _malformed(f"the value of {variable.uid}")
        arrays = [_tensor(part, data) for part in parts]
        if not entry["ragged"] and len(arrays) != 1:
            raise _malformed(f"the value of {variable.uid} has {len(arrays)} parts")
        yield _text(entry, "key"), ReferenceValue(variable, arrays if entry["ragged"] else arrays[0])


def _tensor(part: Any, data: bytes) -> Array:
    if not isinstance(part, dict) or part.get("dtype") not in _DTYPES:
        raise _malformed("a tensor of another type than a floating-point one")
    shape, offset = _shape(part.get("shape"), lowest=0), part.get("offset")
    dtype = np.dtype(part["dtype"])
    count = math.prod(shape)
    if not isinstance(offset, int) or offset < 0 or offset + count * dtype.itemsize > len(data):
        raise _malformed(f"a tensor of shape {shape} lies beyond the {len(data)} bytes that were written")
    return np.frombuffer(data, dtype, count, offset).reshape(shape) if count else np.zeros(shape, dtype)


def _shape(value: Any, *, lowest: int) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > _RANK:
        raise _malformed("a shape is no list, or too long")
    if not all(isinstance(dimension, int) and not isinstance(dimension, bool) and dimension >= lowest for dimension in value):
        raise _malformed(f"shape {value}")
    return tuple(value)


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        raise _malformed(f"{key} is no text")
    return value


def _malformed(what: str) -> ReferenceEngineError:
    return ReferenceEngineError(
        f"the reference engine answered out of form: {what}; its process cannot be trusted with this model"
    )
