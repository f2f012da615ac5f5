"""Tensors whose data stand in a file beside the model: a file that was signed, a range inside of it, nobody else's range."""

from __future__ import annotations

from collections import defaultdict
from typing import Final, NoReturn

from bridge.errors import RefusedModelError
from bridge.runtime.admission.checks.tensors import tensor_bytes
from bridge.runtime.admission.model import Tensor
from bridge.runtime.admission.subject import Subject

MEMORY_ADDRESS: Final = "memory-address"
EXTERNAL_DATA: Final = "external-data"

_MARKER: Final = "_ORT_MEM_ADDR_"
_KEYS: Final = frozenset({"location", "offset", "length"})
_LONGEST_NUMBER: Final = 19


def check_memory_addresses(subject: Subject) -> None:
    """No location that an engine takes for an address in its own memory."""
    for tensor in subject.model.tensors():
        if any(_MARKER in value for _, value in tensor.external):
            raise RefusedModelError(MEMORY_ADDRESS, tensor.where, expected="the name of a file", found=f"the marker {_MARKER}")


def check_external_data(subject: Subject) -> None:
    """Every range lies in a file that was handed over with the model, is as long as its tensor, and overlaps no other one.

    ``checksum`` is refused with every key that is not ours: engines ignore it, so it would promise what nobody keeps. The
    signature covers the files.
    """
    total = sum(len(data) for data in subject.external.values())
    if total > subject.limits.external_bytes:
        _refuse("the files of the model", f"at most {subject.limits.external_bytes} bytes", str(total))
    of_graph = {id(tensor) for tensor in subject.model.graph.initializers}
    ranges: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for tensor in subject.model.tensors():
        if not tensor.external:
            continue
        if id(tensor) not in of_graph:
            _refuse(tensor.where, "data in the model itself", "data in a file")
        location, offset, length = _range(tensor, subject)
        ranges[location].append((offset, offset + length, tensor.where))
    for location, taken in ranges.items():
        _refuse_overlap(location, taken)


def _range(tensor: Tensor, subject: Subject) -> tuple[str, int, int]:
    """The file, the first byte and the number of bytes of a tensor."""
    keys = [key for key, _ in tensor.external]
    if len(set(keys)) != len(keys) or set(keys) != _KEYS:
        _refuse(
            tensor.where, "location, offset and length, each once", ", ".join(ascii(key[:50]) for key in keys[:10]) or "nothing"
        )
    stated = dict(tensor.external)
    location = stated["location"]
    data = subject.external.get(location)
    if data is None:
        _refuse(tensor.where, "a file that was signed with the model", ascii(location[:200]))
    offset, length = _number(tensor, "offset", stated["offset"]), _number(tensor, "length", stated["length"])
    if offset + length > len(data):
        _refuse(tensor.where, f"a range within the {len(data)} bytes of {location!a}", f"bytes {offset} to {offset + length}")
    if not length or length != tensor_bytes(tensor):
        _refuse(tensor.where, f"{tensor_bytes(tensor)} bytes of data, more than none", str(length))
    return location, offset, length


def _number(tensor: Tensor, key: str, text: str) -> int:
    plain = text.isascii() and text.isdigit() and (text == "0" or text[0] != "0") and len(text) <= _LONGEST_NUMBER
    if not plain:
        _refuse(tensor.where, f"{key} as a number in decimal", ascii(text[:50]))
    return int(text)


def _refuse_overlap(location: str, taken: list[tuple[int, int, str]]) -> None:
    end, before = 0, ""
    for start, after, where in sorted(taken):
        if start < end:
            _refuse(where, f"bytes of {location!a} that are no other tensor's", f"bytes of {before}")
        if after > start:
            end, before = after, where


def _refuse(where: str, expected: str, found: str) -> NoReturn:
    raise RefusedModelError(EXTERNAL_DATA, where, expected=expected, found=found)
