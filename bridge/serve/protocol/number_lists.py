"""The tensors of a request in JSON, cut out of its text: a request is a little structure around long lists of numbers.

What is left without them is small, and is looked at with care. A list that has nothing but numbers, separated by commas, cannot
hold a key or a string, so that it is read for itself, at speed. Whatever is written otherwise is not cut.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import simdjson

from bridge.runtime.contract.finiteness import all_finite
from bridge.runtime.served import Array

_KEY: Final = b'"data"'
_KEYS_AT_MOST: Final = 1024  # Each costs some microseconds, and a request has a few.
_OPENING: Final = re.compile(rb'"data"[ \t\r\n]*(?::[ \t\r\n]*(\[)?)?')
_OTHER_THAN_NUMBERS: Final = (b'"', b"[", b"{", b"t", b"f", b"n")
"""What strings, lists, objects, true, false and null cannot be without."""


@dataclass(frozen=True, slots=True)
class NumberList:
    """One list: its text, brackets included, and its numbers, each rounded to the nearest of float64."""

    text: bytes
    values: Array

    def narrowed(self, dtype: np.dtype[Any]) -> Array | None:
        """The numbers as a vector of float32 or float64; ``None`` where one is beyond the range, or ``dtype`` is another."""
        if dtype.kind != "f" or dtype.itemsize < 4:
            return None
        with np.errstate(over="ignore"):
            narrow = self.values.astype(dtype, copy=False)
        return narrow if all_finite(narrow) else None


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
        found = _list_of(body[key:end]) if opening[1] and end >= 0 else None
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


def _list_of(text: bytes) -> NumberList | None:
    if any(sign in text for sign in _OTHER_THAN_NUMBERS):
        return None
    text = b"[%b]" % text
    try:
        # A parser of its own for each list costs nothing, and keeps no memory of the longest one.
        parsed = simdjson.Parser().parse(text)
    except (ValueError, RuntimeError):  # The latter for integers of more than 64 bits, and for numbers beyond float64.
        return None
    assert isinstance(parsed, simdjson.Array)
    return NumberList(text, np.frombuffer(parsed.as_buffer(of_type="d")))
