"""JSON from strangers. Long arrays of numbers are read by a fast parser, all the rest by the strict one.

A request is a little structure around millions of numbers. Nested arrays of numbers, or of truth values, are cut out of the text
first; what remains goes through ``bridge.trust.strict_json``, which refuses keys that stand twice, deep nesting, and numbers
beyond 64 bits. In place of each array stands a marker that no JSON text can produce: an object with a key that holds this
reading's own random number.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson

from bridge.errors import InvalidBundleError, RequestRefusedError
from bridge.runtime.served import Array
from bridge.serve.protocol.datatypes import RANK_AT_MOST, protocol_name
from bridge.trust.strict_json import JsonLimits, parse

# A string, or an array of nothing but numbers, truth values and such arrays. Strings come first, so that no array begins in one.
_PIECES: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|\[[-+0-9.eE,\s\[\]truefals]*+', re.DOTALL)
_SHORT: Final = 64
JSON_BYTES_AT_MOST: Final = 16 << 20  # Reading takes the interpreter's lock: more than this has to come as binary tensors.
_LIMITS: Final = JsonLimits(bytes=4 << 20, depth=16, values=20_000, string_characters=1 << 20, number_characters=32)
_SAFE_FLOAT: Final = {np.dtype(name): float(np.finfo(name).max) for name in ("f2", "f4", "f8")}


@dataclass(frozen=True, slots=True)
class NumberText:
    """An array of numbers as it was written."""

    text: bytes

    def tensor(self, dtype: np.dtype[Any], where: str) -> Array:
        """The numbers in row-major order, as a vector. Raises ``RequestRefusedError`` for what ``dtype`` does not hold."""
        try:
            values = orjson.loads(self.text)
            array = np.array(values)
        except ValueError as error:
            raise RequestRefusedError("malformed", f"{where}.data: expected an even array of numbers: {error}"[:200]) from error
        # No number has these letters, and both truth values have one of them.
        return _converted(array, dtype, where, has_words=b"r" in self.text or b"l" in self.text)


def read_json(body: bytes) -> Any:
    """The value in ``body``, with a :class:`NumberText` for every long array of numbers. Raises ``RequestRefusedError``."""
    if len(body) > JSON_BYTES_AT_MOST:
        raise RequestRefusedError("too-large", f"more than {JSON_BYTES_AT_MOST} bytes of JSON: send the tensors as binary data")
    marker = secrets.token_hex(16)
    arrays: list[NumberText] = []
    pieces: list[bytes] = []
    position = 0
    for found in _PIECES.finditer(body):
        if found.end() - found.start() < _SHORT or body[found.start()] != 0x5B:
            continue
        end = _balanced_end(body, found.start(), found.end())
        if end < 0:
            continue
        pieces += [body[position : found.start()], b'{"%s":%d}' % (marker.encode(), len(arrays))]
        arrays.append(NumberText(body[found.start() : end]))
        position = end
    pieces.append(body[position:])
    try:
        value = parse(b"".join(pieces), what="the request", limits=_LIMITS)
    except InvalidBundleError as error:
        raise RequestRefusedError("malformed", str(error).replace(marker, "array")) from error
    return _restored(value, marker, arrays)


def short_array(values: list[Any], dtype: np.dtype[Any], where: str) -> Array:
    """As :meth:`NumberText.tensor`, for an array that was short enough to be read with the rest."""
    flat: list[Any] = []
    pending: list[tuple[Any, int]] = [(values, 1)]
    while pending:
        value, depth = pending.pop()
        if isinstance(value, list):
            if depth > RANK_AT_MOST:
                raise RequestRefusedError("malformed", f"{where}.data: nested too deeply")
            pending.extend((child, depth + 1) for child in reversed(value))
        elif isinstance(value, int | float):
            flat.append(value)
        else:
            raise RequestRefusedError("malformed", f"{where}.data: expected numbers; found {ascii(value)[:40]}")
    words = any(isinstance(value, bool) for value in flat)
    return _converted(np.array(flat, None if flat else dtype), dtype, where, has_words=words)


def _balanced_end(body: bytes, start: int, end: int) -> int:
    """Where the array that begins at ``start`` ends; the run of its characters goes on to ``end``, often one bracket too far."""
    run = body[start:end].rstrip(b", \t\r\n")
    surplus = run.count(b"]") - run.count(b"[")
    while surplus > 0 and run.endswith(b"]"):
        run = run[:-1].rstrip(b", \t\r\n")
        surplus -= 1
    return start + len(run) if surplus == 0 and run.endswith(b"]") else -1


def _converted(array: Array, dtype: np.dtype[Any], where: str, *, has_words: bool) -> Array:
    flat = array.reshape(-1)
    wanted = protocol_name(dtype)
    if flat.size == 0:
        return flat.astype(dtype)
    kinds = {"b": "b", "u": "iu", "i": "iu", "f": "fiu"}[dtype.kind]
    if flat.dtype.kind not in kinds or has_words != (dtype.kind == "b"):
        raise RequestRefusedError("malformed", f"{where}.data: expected {wanted}; found values of another kind")
    if dtype.kind == "f":
        if abs(float(flat.min())) > _SAFE_FLOAT[dtype] or abs(float(flat.max())) > _SAFE_FLOAT[dtype]:
            raise RequestRefusedError("malformed", f"{where}.data: a number beyond the range of {wanted}")
    elif dtype.kind in "iu":
        bounds = np.iinfo(dtype)
        if int(flat.min()) < bounds.min or int(flat.max()) > bounds.max:
            raise RequestRefusedError("malformed", f"{where}.data: a number beyond the range of {wanted}")
    return flat.astype(dtype, copy=False)


def _restored(value: Any, marker: str, arrays: list[NumberText]) -> Any:
    """The value with its arrays back in place. The structure is small and of bounded depth: the strict parser saw to that."""
    if isinstance(value, dict):
        if len(value) == 1 and marker in value:
            return arrays[value[marker]]
        return {key: _restored(child, marker, arrays) for key, child in value.items()}
    return [_restored(child, marker, arrays) for child in value] if isinstance(value, list) else value
