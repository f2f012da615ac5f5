"""The tensors of a request in JSON, cut out of its text: a request is a little structure around long lists of numbers.

What is left without them is small, and is looked at with care. A list that has nothing but numbers, separated by commas, cannot
hold a key or a string, so that it is read for itself, at speed. Whatever is written otherwise is not cut.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import simdjson

from bridge.runtime.served import Array

_KEY: Final = b'"data"'
_KEYS_AT_MOST: Final = 1024  # Each costs some microseconds, and a request has a few.
_OPENING: Final = re.compile(rb'"data"[ \t\r\n]*(?::[ \t\r\n]*(\[)?)?')
_OTHER_THAN_NUMBERS: Final = (b'"', b"[", b"{", b"t", b"f", b"n")
"""What strings, lists, objects, true, false and null cannot be without."""
_KEPT_AT_MOST: Final = 1 << 20
_OF_THREAD: Final = threading.local()
_GREATEST_SQUARES: Final = {np.dtype(np.float32): 1e77, np.dtype(np.float64): 1e307}
"""Sums of squares of which no number is beyond the type."""


@dataclass(frozen=True, slots=True)
class NumberList:
    """One list: its text, brackets included, and its numbers, each rounded to the nearest of float64."""

    text: memoryview
    values: Array

    def narrowed(self, dtype: np.dtype[Any]) -> Array | None:
        """The numbers as a vector of float32 or float64; ``None`` for other types, and where one may be beyond the range."""
        squares = _GREATEST_SQUARES.get(dtype)
        # No number is greater than the root of the sum of all squares.
        if squares is None or not np.vdot(self.values, self.values) <= squares:
            return None
        return self.values.astype(dtype, copy=False)


def cut_out(body: bytes) -> tuple[bytes, list[NumberList]] | None:
    """``body`` with the number of each list under a key ``data`` in place of what the list holds, and these lists.

    ``None`` where a ``data`` is anything but a list of numbers alone, the list is no JSON, or there are too many of them. Without
    a backslash in what is left, the text is valid JSON where, and only where, what is left is: quotes pair up as they did before.
    """
    pieces: list[bytes] = []
    lists: list[NumberList] = []
    begin = key = 0
    if body.count(_KEY) > _KEYS_AT_MOST:
        return None
    while (key := body.find(_KEY, key)) >= 0:
        opening = _OPENING.match(body, key)
        assert opening is not None
        key = opening.end()
        if b":" not in opening[0]:
            continue  # A name, perhaps, and no key.
        end = body.find(b"]", key)
        found = _list_of(body, key, end) if opening[1] and end >= 0 else None
        if found is None:
            return None
        pieces += (body[begin:key], b"%d" % len(lists))
        lists.append(found)
        begin = key = end
    pieces.append(body[begin:])
    return b"".join(pieces), lists


def put_back(document: Any, lists: list[NumberList]) -> None:
    """Give the tensors of ``document``, which was read without its lists, their own. Other places keep the numbers of theirs."""
    tensors = document.get("inputs") if lists and isinstance(document, dict) else None
    for tensor in tensors if isinstance(tensors, list) else ():
        if isinstance(tensor, dict) and isinstance(tensor.get("data"), list):
            (number,) = tensor["data"]
            tensor["data"] = lists[number]


def _list_of(body: bytes, begin: int, end: int) -> NumberList | None:
    """The list whose content is in ``body`` from ``begin`` to ``end``; ``None`` unless it is nothing but numbers."""
    if any(body.find(sign, begin, end) >= 0 for sign in _OTHER_THAN_NUMBERS):
        return None
    text = memoryview(body)[begin - 1 : end + 1]
    try:
        parsed = _parser(len(text)).parse(text)
    except (ValueError, RuntimeError):  # The latter for integers of more than 64 bits.
        return None
    assert isinstance(parsed, simdjson.Array)
    return NumberList(text, np.frombuffer(parsed.as_buffer(of_type="d")))


def _parser(octets: int) -> simdjson.Parser:
    """The thread's own, which has its memory already. It would keep that of the longest list, so that long ones get another."""
    if octets > _KEPT_AT_MOST:
        return simdjson.Parser()
    parser: simdjson.Parser | None = getattr(_OF_THREAD, "parser", None)
    if parser is None:
        parser = _OF_THREAD.parser = simdjson.Parser()
    return parser
