"""The protobuf wire format: tags, varints and lengths, over a buffer of untrusted bytes.

Every length is compared with what is left of the *enclosing message*, never of the file alone. A field is identified by its whole
tag, ``number << 3 | wire type``, so that a known field with a wrong wire type is as unknown as an unknown field.
"""

from __future__ import annotations

from collections.abc import Iterator

from bridge.errors import InvalidModelError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_WIDTHS = {FIXED64: 8, FIXED32: 4}
_MAX_FIELD_NUMBER = (1 << 29) - 1
_MAX_VARINT_BYTES = 10

Field = tuple[int, int, int, int]
"""``(tag, a, b, at)``, with the tag at offset ``at``. The payload is ``data[a:b]``; for a varint, ``a`` is its value."""


def read_varint(data: memoryview, position: int, end: int) -> tuple[int, int]:
    """The unsigned 64-bit varint at ``position`` and the position behind it; ``end`` bounds the enclosing message."""
    value = shift = 0
    start = position
    while position < end:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> 64:
                raise InvalidModelError("a varint does not fit in 64 bits", offset=start)
            return value, position
        shift += 7
        if position - start == _MAX_VARINT_BYTES:
            raise InvalidModelError(f"a varint is longer than {_MAX_VARINT_BYTES} bytes", offset=start)
    raise InvalidModelError("a varint is cut off by the end of its message", offset=start)


def read_fields(data: memoryview, position: int, end: int) -> Iterator[Field]:
    """All fields of the message ``data[position:end]``, in file order."""
    while position < end:
        field = read_field(data, position, end)
        yield field
        position = field[2]


def read_field(data: memoryview, at: int, end: int) -> Field:
    """The field at ``at``, of a message that ends at ``end``; the next field begins at ``b``.

    Raises ``InvalidModelError`` for a tag, length or varint that does not fit into the message, and for groups, unknown wire
    types and field numbers out of range. Single-byte tags and lengths are read in line: nearly all are.
    """
    tag, position = data[at], at + 1
    if tag >= 0x80:
        tag, position = read_varint(data, at, end)
    if tag < 8 or tag >> 3 > _MAX_FIELD_NUMBER:
        raise InvalidModelError(
            "a field number is out of range", offset=at, expected=f"1 to {_MAX_FIELD_NUMBER}", found=str(tag >> 3)
        )
    wire = tag & 7
    if wire in _WIDTHS:
        length = _WIDTHS[wire]
    elif wire in (VARINT, BYTES):
        if position < end and (length := data[position]) < 0x80:
            position += 1
        else:
            length, position = read_varint(data, position, end)
        if wire == VARINT:
            return tag, length, position, at
    else:
        raise InvalidModelError("a field has a wire type that is never used", offset=at, expected="0, 1, 2 or 5", found=str(wire))
    if length > end - position:
        raise InvalidModelError(
            "a field reaches beyond the end of its message",
            offset=at,
            expected=f"at most {end - position} bytes",
            found=f"{length} bytes",
        )
    return tag, position, position + length, at


def unexpected_field(message: str, tag: int, at: int) -> InvalidModelError:
    """The error for a field that ``message`` does not have, or has with another wire type.

    CNTK skips unknown fields. No release writes any and none will be written any more, so that one is either damage or content
    that two readers would see differently: refused.
    """
    return InvalidModelError(
        "a field that this message does not have",
        offset=at,
        field=message,
        found=f"field number {tag >> 3} with wire type {tag & 7}",
    )


def repeated_field(message: str, tag: int, at: int) -> InvalidModelError:
    """The error for a second occurrence of a field that occurs once: protobuf readers merge or overwrite, each in its own way."""
    return InvalidModelError(
        "a field that may occur once occurs again", offset=at, field=message, found=f"field number {tag >> 3}"
    )
