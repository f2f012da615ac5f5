"""A model file as messages: every field known, none twice, strings in bounds, tensors' data as views that are never copied.

What makes the bytes unreadable is refused on the spot. What merely has no place in a model is noted, and refused by the checks.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.runtime.admission.schema import TABLES, Field, Kind, Table
from bridge.runtime.admission.wire import (
    FIXED32,
    FIXED64,
    LENGTH_DELIMITED,
    VARINT,
    read_length,
    read_varint,
    refuse,
    signed,
)
from bridge.runtime.limits import ModelLimits

UNKNOWN_FIELD: Final = "unknown-fields"
REPEATED_FIELD: Final = "repeated-fields"
REFUSED_PART: Final = "parts-of-onnx"

_MOST_FAULTS: Final = 64
_WIRES: Final = {Kind.INTEGER: VARINT, Kind.FLOAT: FIXED32, Kind.DOUBLE: FIXED64}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that has no place in a model: the check that refuses it, where it is, what was expected and found."""

    check: str
    where: str
    expected: str
    found: str


@dataclass(slots=True)
class Message:
    """A message's fields by name; a repeated one is a list. ``offset`` is where it begins in the file."""

    table: Table
    offset: int
    values: dict[str, Any] = field(default_factory=dict)

    def integer(self, name: str) -> int:
        """A field's integer, 0 where it is absent."""
        value = self.values.get(name, 0)
        assert isinstance(value, int)
        return value

    def text(self, name: str) -> str:
        """A field's text, empty where it is absent."""
        value = self.values.get(name, "")
        assert isinstance(value, str)
        return value

    def many(self, name: str) -> list[Any]:
        """The values of a repeated field."""
        values: list[Any] = self.values.get(name, [])
        return values

    def one(self, name: str) -> Message | None:
        """An embedded message."""
        value: Message | None = self.values.get(name)
        return value


def read_message(view: memoryview, limits: ModelLimits) -> tuple[Message, list[Fault]]:
    """The ``ModelProto`` that all of ``view`` is, and what has no place in it (the first 64 faults)."""
    if len(view) > limits.model_bytes:
        refuse(0, f"a model of at most {limits.model_bytes} bytes", f"{len(view)} bytes")
    reader = _Reader(view, limits)
    return reader.message(TABLES["ModelProto"], 0, len(view), 0), reader.faults


class _Reader:
    """Reads one file, counting its fields, so that many empty ones cannot take for ever."""

    def __init__(self, view: memoryview, limits: ModelLimits) -> None:
        self.view = view
        self.limits = limits
        self.faults: list[Fault] = []
        self._fields_left = limits.fields
        self._messages_left = limits.messages

    def message(self, table: Table, offset: int, end: int, depth: int) -> Message:
        if depth > self.limits.wire_depth:
            refuse(offset, f"messages in at most {self.limits.wire_depth} others", "deeper ones")
        self._messages_left -= 1
        if self._messages_left < 0:
            refuse(offset, f"at most {self.limits.messages} messages", "more")
        message = Message(table, offset)
        while offset < end:
            self._fields_left -= 1
            if self._fields_left < 0:
                refuse(offset, f"at most {self.limits.fields} fields", "more")
            offset = self._field(message, offset, end, depth)
        return message

    def _field(self, message: Message, offset: int, end: int, depth: int) -> int:
        """Read one field into ``message``; the offset behind it."""
        tag, start = read_varint(self.view, offset, end)
        number, wire = tag >> 3, tag & 7
        entry = message.table.fields.get(number)
        if entry is None:
            self._note(UNKNOWN_FIELD, message, offset, "fields of ONNX alone", f"the field {number}")
            return self._skipped(wire, start, end)
        if entry.refused:
            self._note(REFUSED_PART, message, offset, "graphs of plain tensors alone", f"{message.table.name}.{entry.name}")
        if entry.repeated and wire == LENGTH_DELIMITED and entry.kind in _WIRES:
            return self._packed(message, entry, start, end)
        if wire != _WIRES.get(entry.kind, LENGTH_DELIMITED):
            refuse(offset, f"{message.table.name}.{entry.name}, a field of kind {entry.kind.value}", f"the wire type {wire}")
        value, after = self._value(entry, start, end, depth)
        if entry.repeated:
            message.values.setdefault(entry.name, []).append(value)
            return after
        if entry.name in message.values:
            self._note(REPEATED_FIELD, message, offset, f"{message.table.name}.{entry.name} once", "a second one")
        message.values[entry.name] = value
        return after

    def _value(self, entry: Field, start: int, end: int, depth: int) -> tuple[Any, int]:
        if entry.kind is Kind.INTEGER:
            value, after = read_varint(self.view, start, end)
            return signed(value), after
        if entry.kind in _WIRES:
            return self._number(entry.kind, start, end)
        begin, after = read_length(self.view, start, end)
        if entry.kind is Kind.MESSAGE:
            return self.message(TABLES[entry.message], begin, after, depth + 1), after
        if entry.kind is Kind.OCTETS:
            return self.view[begin:after], after
        return self._text(begin, after), after

    def _number(self, kind: Kind, start: int, end: int) -> tuple[float, int]:
        width, form = (4, "<f") if kind is Kind.FLOAT else (8, "<d")
        if end - start < width:
            refuse(start, f"{width} bytes inside the message", f"{end - start}")
        value: float = struct.unpack_from(form, self.view, start)[0]
        return value, start + width

    def _text(self, begin: int, end: int) -> str:
        if end - begin > self.limits.text_bytes:
            refuse(begin, f"a text of at most {self.limits.text_bytes} bytes", f"{end - begin} bytes")
        try:
            return str(self.view[begin:end], "utf-8")
        except UnicodeDecodeError as error:
            refuse(begin + error.start, "text in UTF-8", "other bytes")

    def _packed(self, message: Message, entry: Field, start: int, end: int) -> int:
        """Numbers one behind the other. Each counts as a field: a byte of the file may be one."""
        offset, after = read_length(self.view, start, end)
        values = message.values.setdefault(entry.name, [])
        while offset < after:
            self._fields_left -= 1
            if self._fields_left < 0:
                refuse(offset, f"at most {self.limits.fields} fields", "more")
            value, offset = self._value(entry, offset, after, 0)
            values.append(value)
        return after

    def _skipped(self, wire: int, start: int, end: int) -> int:
        """The offset behind a field that is not known."""
        if wire == VARINT:
            return read_varint(self.view, start, end)[1]
        if wire == LENGTH_DELIMITED:
            return read_length(self.view, start, end)[1]
        if wire not in {FIXED32, FIXED64}:
            refuse(start, "a wire type of protobuf 3", f"the wire type {wire}")
        return self._number(Kind.FLOAT if wire == FIXED32 else Kind.DOUBLE, start, end)[1]

    def _note(self, check: str, message: Message, offset: int, expected: str, found: str) -> None:
        if len(self.faults) < _MOST_FAULTS:
            where = f"byte {offset} of the model, in {message.table.name}"
            self.faults.append(Fault(check, where, expected, found))
