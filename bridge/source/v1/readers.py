"""The field types that the tables of ``layouts`` are written in."""

from __future__ import annotations

from bridge.source.v1.raw import Matrix
from bridge.source.v1.record import Reader, Record


def u32(record: Record, name: str) -> int:
    """A 32-bit unsigned integer."""
    return record.cursor.u32(name)


def i32(record: Record, name: str) -> int:
    """A 32-bit signed integer."""
    return record.cursor.i32(name)


def u64(record: Record, name: str) -> int:
    """A 64-bit unsigned integer."""
    return record.cursor.u64(name)


def i64(record: Record, name: str) -> int:
    """A 64-bit signed integer."""
    return record.cursor.i64(name)


def f32(record: Record, name: str) -> float:
    """A single-precision number."""
    return record.cursor.f32(name)


def f64(record: Record, name: str) -> float:
    """A double-precision number."""
    return record.cursor.f64(name)


def flag(record: Record, name: str) -> bool:
    """A truth value."""
    return record.cursor.flag(name)


def text(record: Record, name: str) -> str:
    """A string of 16-bit code units."""
    return record.cursor.wide_text(name)


def narrow(record: Record, name: str) -> str:
    """A string of bytes."""
    return record.cursor.narrow_text(name)


def shape(record: Record, name: str) -> tuple[int, ...]:
    """A tensor shape."""
    return record.shape(name)


def shape_or_image(record: Record, name: str) -> tuple[int, ...]:
    """A tensor shape, or its older form."""
    return record.shape_or_image(name)


def element(record: Record, name: str) -> float:
    """A number of the node's own type."""
    return record.element(name)


def matrix(record: Record, name: str) -> Matrix:
    """A dense matrix."""
    return record.matrix(name)


def flags(record: Record, name: str) -> tuple[bool, ...]:
    """A vector of truth values, one for each of at most ``limits.rank`` axes."""
    cursor = record.cursor
    number = cursor.count(name, element_bytes=1, limit=cursor.limits.rank, resource="dimensions")
    return tuple(cursor.flag(name) for _ in range(number))


def integers(record: Record, name: str) -> tuple[int, ...]:
    """A vector of 64-bit numbers."""
    cursor = record.cursor
    number = cursor.count(name, element_bytes=8, limit=cursor.limits.vector_elements, resource="vector elements")
    return tuple(cursor.u64(name) for _ in range(number))


def choice(kind: Reader, *allowed: int) -> Reader:
    """An integer of the given kind that must be one of ``allowed``."""

    def read(record: Record, name: str) -> int:
        start = record.cursor.offset
        value = kind(record, name)
        if value not in allowed:
            raise record.cursor.wrong(
                "a value is out of range", name, offset=start, expected=" or ".join(map(str, allowed)), found=str(value)
            )
        assert isinstance(value, int)
        return value

    return read
