"""JSON from strangers, read at speed, without letting anything by that the strict reader would refuse.

A request is a little structure around many numbers. The numbers are cut out where they can be; a fast parser reads the rest, and
then it is counted whether every string of the text is in the value: where a key stood twice, the first of the two would be
missing. What does not count up, or has escapes in its strings, is read by ``bridge.trust.strict_json``, which is slow, bounded,
and says what is wrong and where.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import orjson

from bridge.errors import InvalidBundleError, RequestRefusedError
from bridge.runtime.served import Array
from bridge.serve.protocol.datatypes import protocol_name
from bridge.serve.protocol.number_lists import NumberList, cut_out, put_back
from bridge.trust.strict_json import JsonLimits, parse

JSON_BYTES_AT_MOST: Final = 16 << 20  # Reading takes the interpreter's lock: more than this has to come as binary tensors.
LISTS_AT_MOST: Final = 1 << 18  # The same goes for them: nested lists cost more than the numbers in them.
CUT_FROM: Final = 4096  # Cutting less than that takes longer than it saves.
_DATA: Final = "data"
_LIST_AT_MOST: Final = 1024
_STRICT: Final = JsonLimits(bytes=1 << 20, depth=40, values=100_000, string_characters=1 << 20)
_GREATEST: Final = {np.dtype(name): float(np.finfo(name).max) for name in ("f2", "f4", "f8")}


def read_json(body: bytes, *, cut_from: int = CUT_FROM) -> Any:
    """The value in ``body``. Raises ``RequestRefusedError`` with the place at fault.

    Lists under a key ``data`` may hold anything, and may be a ``NumberList``: :func:`tensor_of` looks at them. Where the body has
    less than ``cut_from`` bytes none are.
    """
    if len(body) > JSON_BYTES_AT_MOST:
        raise RequestRefusedError("too-large", f"more than {JSON_BYTES_AT_MOST} bytes of JSON: send the tensors as binary data")
    if body.count(b"[") > LISTS_AT_MOST:
        raise RequestRefusedError("too-large", f"more than {LISTS_AT_MOST} lists: send the tensors flat, or as binary data")
    cut = cut_out(body) if len(body) >= cut_from else None
    text, lists = (body, []) if cut is None else cut
    if b"\\" not in text:
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
        else:
            if 2 * _strings(value) == text.count(b'"'):
                put_back(value, lists)
                return value
    try:
        return parse(body, what="the request", limits=_STRICT)
    except InvalidBundleError as error:
        raise RequestRefusedError("malformed", str(error)) from error


def tensor_of(data: list[Any] | NumberList, dtype: np.dtype[Any], where: str) -> Array:
    """The numbers of a list, nested or flat, in row-major order as a vector.

    Raises ``RequestRefusedError`` for what is no even array of numbers, or of truth values, that ``dtype`` holds.
    """
    if isinstance(data, NumberList):
        narrowed = data.narrowed(dtype)
        if narrowed is not None:
            return narrowed
    numbers: list[Any] = orjson.loads(data.text) if isinstance(data, NumberList) else data
    wanted = protocol_name(dtype)
    if _holds_text(numbers):
        raise RequestRefusedError("malformed", f"{where}.data: expected {wanted}; found values of another kind")
    try:
        array = np.array(numbers)
    except (ValueError, OverflowError) as error:
        raise RequestRefusedError("malformed", f"{where}.data: expected an even array of {wanted}") from error
    flat = array.reshape(-1)
    if flat.size == 0:
        return flat.astype(dtype)
    kinds = {"b": "b", "u": "iu", "i": "iu", "f": "fiu"}[dtype.kind]
    if flat.dtype.kind not in kinds:
        raise RequestRefusedError("malformed", f"{where}.data: expected {wanted}; found values of another kind")
    low, high = flat.min(), flat.max()
    if dtype.kind == "f" and not max(abs(float(low)), abs(float(high))) <= _GREATEST[dtype]:
        raise RequestRefusedError("malformed", f"{where}.data: a number beyond the range of {wanted}")
    if dtype.kind in "iu" and not np.iinfo(dtype).min <= int(low) <= int(high) <= np.iinfo(dtype).max:
        raise RequestRefusedError("malformed", f"{where}.data: a number beyond the range of {wanted}")
    return flat.astype(dtype, copy=False)


def _holds_text(values: list[Any]) -> bool:
    """Whether there is text among them. numpy would give every element of the array as much room as the longest text takes."""
    pending = [values]
    while pending:
        held = pending.pop()
        kinds = set(map(type, held))
        if str in kinds:
            return True
        if list in kinds:
            pending += [child for child in held if type(child) is list]
    return False


def _strings(value: Any) -> int:
    """How many strings are in ``value``, keys included; too few where it is so long that the strict reader has to look at it.

    Lists of numbers are not walked. A string among them is not counted, so that the strict reader sees that text too.
    """
    count = int(isinstance(value, str))
    pending: list[Any] = [value]
    while pending:
        held = pending.pop()
        if isinstance(held, dict):
            count += len(held)
            children = [child for key, child in held.items() if key != _DATA or not isinstance(child, list)]
        elif len(held) <= _LIST_AT_MOST if isinstance(held, list) else False:
            children = held
        else:
            continue
        for child in children:
            if isinstance(child, str):
                count += 1
            elif isinstance(child, dict | list):
                pending.append(child)
    return count
