"""Where two models differ, field by field, whatever the names of their files and the place of their weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.runtime.admission.message import Message

# Where a tensor's bytes stand is a matter of their size alone; what they are is compared.
_PLACEMENT: Final = frozenset({"raw_data", "external_data", "data_location"})


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A model's messages, with the files beside it by name."""

    message: Message
    external: Mapping[str, memoryview]


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that differs: its path, and what each of the two models has there."""

    where: str
    first: str
    second: str


def graph_differences(first: ParsedFile, second: ParsedFile) -> Iterator[Difference]:
    """Every field in which two models differ, metadata apart: those say when and how a file was made, not what it computes."""
    for name in sorted({*first.message.values, *second.message.values} - {"metadata_props"}):
        pair = (first.message.values.get(name), second.message.values.get(name))
        yield from _values(name, pair, (first, second))


def _values(where: str, pair: tuple[Any, Any], files: tuple[ParsedFile, ParsedFile]) -> Iterator[Difference]:
    one, other = pair
    if isinstance(one, Message) and isinstance(other, Message):
        yield from _messages(where, one, other, files)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, both in enumerate(zip(one, other, strict=True)):
            yield from _values(f"{where}[{index}]", both, files)
    elif one != other:
        yield Difference(where, _shown(one), _shown(other))


def _messages(where: str, one: Message, other: Message, files: tuple[ParsedFile, ParsedFile]) -> Iterator[Difference]:
    skipped = _PLACEMENT if one.table.name == "TensorProto" else frozenset[str]()
    for name in sorted({*one.values, *other.values} - skipped):
        yield from _values(f"{where}.{name}", (one.values.get(name), other.values.get(name)), files)
    if skipped and _data(one, files[0]) != _data(other, files[1]):
        yield Difference(f"{where} {one.text('name')!a}", "its data", "other data")


def _data(tensor: Message, file: ParsedFile) -> memoryview:
    """The bytes of a tensor of an admitted model, wherever they stand."""
    if "raw_data" in tensor.values:
        raw: memoryview = tensor.values["raw_data"]
        return raw
    stated = {entry.text("key"): entry.text("value") for entry in tensor.many("external_data")}
    if not stated:
        return memoryview(b"")
    start = int(stated["offset"])
    return file.external[stated["location"]][start : start + int(stated["length"])]


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return f"{len(value)} of them"
    if isinstance(value, Message):
        return f"a {value.table.name}"
    return ascii(bytes(value[:60]) if isinstance(value, memoryview) else value)[:200]
