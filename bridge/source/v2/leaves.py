"""The messages ``NDShape`` and ``Axis``, which hold no other messages."""

from __future__ import annotations

from bridge.errors import InvalidModelError, LimitExceededError
from bridge.graph.model import FREE, INFERRED, UNKNOWN_SHAPE, Axis, AxisKind, NDShape
from bridge.limits import Limits
from bridge.source.v2.wire import read_fields, read_varint, repeated_field, unexpected_field

_UNKNOWN = UNKNOWN_SHAPE[0]
_SENTINEL_DIMS = {(1 << 64) - 1: INFERRED, (1 << 64) - 2: _UNKNOWN, (1 << 64) - 3: FREE}

_DYNAMIC = 0x7FFFFFFF
_SPECIAL_AXES = {
    0x7FFFFFFE: Axis(AxisKind.ALL_STATIC),
    0x7FFFFFFD: Axis(AxisKind.UNKNOWN_DYNAMIC),
    0x7FFFFFFC: Axis(AxisKind.END_STATIC),
    0x7FFFFFFB: Axis(AxisKind.ALL),
}


def read_shape(data: memoryview, start: int, end: int, limits: Limits) -> NDShape:
    """``NDShape`` in ``data[start:end]``: column-major, CNTK's sentinels as ``INFERRED``, ``FREE`` and ``UNKNOWN_SHAPE``.

    Dimensions may be packed or not, as proto3 wants. Raises for huge dimensions and for a rank beyond ``limits.rank``.
    """
    dims: list[int] = []
    for tag, a, b, at in read_fields(data, start, end):
        if tag == 0x08:
            dims.append(a)
        elif tag == 0x0A:
            position = a
            while position < b:
                dim, position = read_varint(data, position, b)
                dims.append(dim)
                if len(dims) > limits.rank:
                    break
        else:
            raise unexpected_field("NDShape", tag, at)
        if len(dims) > limits.rank:
            raise LimitExceededError("dimensions", limit=limits.rank, actual=len(dims), offset=at, field="NDShape")
    if dims and max(dims) > limits.tensor_elements:
        dims = [_SENTINEL_DIMS.get(dim, dim) for dim in dims]
        if max(dims) > limits.tensor_elements:
            raise LimitExceededError(
                "dimension length", limit=limits.tensor_elements, actual=max(dims), offset=start, field="NDShape"
            )
        if _UNKNOWN in dims and len(dims) > 1:
            raise InvalidModelError(
                "the sentinel for an unknown shape stands among other dimensions", offset=start, field="NDShape", found=str(dims)
            )
    return NDShape(dims)


def read_axis(data: memoryview, start: int, end: int, limits: Limits) -> Axis:
    """``Axis`` in ``data[start:end]``. A static axis keeps its column-major index; its name is ignored, as CNTK does."""
    index, name, ordered = 0, "", False
    seen: set[int] = set()
    for tag, a, b, at in read_fields(data, start, end):
        if tag in seen:
            raise repeated_field("Axis", tag, at)
        if tag == 0x08:
            index = signed32(a, at, "Axis.static_axis_idx")
        elif tag == 0x12:
            name = read_text(data, a, b, limits.string_bytes, "Axis.name")
        elif tag == 0x18:
            ordered = read_flag(a, at, "Axis.is_ordered_dynamic_axis")
        else:
            raise unexpected_field("Axis", tag, at)
        seen.add(tag)
    if index == _DYNAMIC:
        return Axis(AxisKind.SEQUENCE if ordered else AxisKind.BATCH, name=name)
    if index in _SPECIAL_AXES:
        return _SPECIAL_AXES[index]
    if not -limits.rank <= index <= limits.rank:
        raise InvalidModelError(
            "a static axis is out of range",
            offset=start,
            field="Axis",
            expected=f"-{limits.rank} to {limits.rank}",
            found=str(index),
        )
    return Axis(AxisKind.STATIC, index)


def signed32(value: int, at: int, field: str) -> int:
    """The varint of a signed field as the ``int32`` that it must fit in; negative ones come sign-extended to 64 bits."""
    number = value - (1 << 64) if value >> 63 else value
    if not -(1 << 31) <= number < 1 << 31:
        raise InvalidModelError("a number does not fit in 32 bits", offset=at, field=field, found=str(number))
    return number


def read_flag(value: int, at: int, field: str) -> bool:
    """``value``, the varint of a ``bool`` field, which must be 0 or 1."""
    if value > 1:
        raise InvalidModelError("a truth value is neither 0 nor 1", offset=at, field=field, found=str(value))
    return value == 1


def read_text(data: memoryview, start: int, end: int, limit: int, field: str) -> str:
    """The UTF-8 string ``data[start:end]``, of at most ``limit`` bytes."""
    if end - start > limit:
        raise LimitExceededError("string length", limit=limit, actual=end - start, offset=start, field=field)
    try:
        return str(data[start:end], "utf-8")
    except UnicodeDecodeError as error:
        raise InvalidModelError("a string is not valid UTF-8", offset=start + error.start, field=field) from error
