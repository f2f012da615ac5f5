"""Frozen dataclasses to JSON's types and back, by their annotations.

JSON lacks NaN and the infinities: they are the strings "nan", "inf" and "-inf". A field may say with how many significant
digits it is written (``digits``); all others are written so that the very same double is read back. A class may name properties
that are derived from its fields: they are written, and a document whose stated value is not the derived one is refused.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import sys
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from bridge.errors import InvalidReportError

T = TypeVar("T")

# Resolving annotations takes longer than all the rest of reading an object.
_MEMBER_TYPES: dict[type[Any], Mapping[str, Any]] = {}

SPECIAL_NUMBERS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def digits(count: int, *, default: Any = dataclasses.MISSING) -> Any:
    """A field of floating-point numbers that is written with ``count`` significant digits."""
    return dataclasses.field(default=default, metadata={"digits": count})


def encode(value: Any, significant: int | None = None) -> Any:
    """``value`` in JSON's types, members in the order of their names."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        members = {field.name: (getattr(value, field.name), field.metadata.get("digits")) for field in dataclasses.fields(value)}
        members |= {name: (getattr(value, name), None) for name in derived_members(type(value))}
        return {name: encode(*members[name]) for name in sorted(members)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, float):
        return _encode_number(value, significant)
    if isinstance(value, tuple):
        return [encode(item, significant) for item in value]
    if isinstance(value, Mapping):
        return {encode(key): encode(value[key]) for key in sorted(value)}
    if isinstance(value, str):
        # Half of a surrogate pair, as in a file name that is not UTF-8, has no place in JSON: its escape stands for it.
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if value is None or isinstance(value, bool | int):
        return value
    raise TypeError(f"a report holds no {type(value).__name__}: {value!r}")


def decode(kind: type[T], value: Any, where: str = "") -> T:
    """The dataclass that ``value`` is the JSON form of; ``InvalidReportError`` names the member that is amiss."""
    if not isinstance(value, dict):
        raise _refused(where, "an object", value)
    hints = member_types(kind)
    derived = derived_members(kind)
    if unknown := sorted(value.keys() - hints.keys() - set(derived), key=str):
        raise InvalidReportError("unknown member", field=_join(where, str(unknown[0])))
    if missing := [name for name in (*hints, *derived) if name not in value]:
        raise InvalidReportError("missing member", field=_join(where, missing[0]))
    result = kind(**{name: _decode_member(hint, value[name], _join(where, name)) for name, hint in hints.items()})
    for name in derived:
        expected = encode(getattr(result, name))
        if value[name] != expected or type(value[name]) is not type(expected):
            raise InvalidReportError(
                "not what the rest of the document says",
                field=_join(where, name),
                expected=repr(expected),
                found=_shown(value[name]),
            )
    return result


def member_types(kind: type[Any]) -> Mapping[str, Any]:
    """The fields of a dataclass with their annotations resolved."""
    if kind not in _MEMBER_TYPES:
        hints = typing.get_type_hints(kind)
        _MEMBER_TYPES[kind] = {field.name: hints[field.name] for field in dataclasses.fields(kind)}
    return _MEMBER_TYPES[kind]


def derived_members(kind: type[Any]) -> tuple[str, ...]:
    """The properties of a dataclass that are written beside its fields."""
    return cast(tuple[str, ...], getattr(kind, "DERIVED", ()))


def _decode_member(hint: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin is types.UnionType:
        return None if value is None else _decode_member(_without_none(hint), value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise _refused(where, "an array", value)
        item_hint = typing.get_args(hint)[0]
        return tuple(_decode_member(item_hint, item, f"{where}[{index}]") for index, item in enumerate(value))
    if origin is Mapping:
        if not isinstance(value, dict):
            raise _refused(where, "an object", value)
        item_hint = typing.get_args(hint)[1]
        return {key: _decode_member(item_hint, value[key], _join(where, key)) for key in sorted(value)}
    if dataclasses.is_dataclass(hint):
        return decode(cast(type[Any], hint), value, where)
    return _decode_scalar(hint, value, where)


def _decode_scalar(hint: Any, value: Any, where: str) -> Any:
    if hint is float:
        if isinstance(value, str) and value in SPECIAL_NUMBERS:
            return SPECIAL_NUMBERS[value]
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max:
            return float(value)
        raise _refused(where, 'a number, "nan", "inf" or "-inf"', value)
    if issubclass(hint, enum.Enum):
        allowed = [member.value for member in hint]
        if value not in allowed:
            raise _refused(where, "one of " + ", ".join(repr(item) for item in allowed), value)
        return hint(value)
    # A boolean is an integer to Python, and is none here.
    if type(value) is not hint:
        raise _refused(where, {str: "a string", int: "an integer", bool: "true or false"}[hint], value)
    return value


def _without_none(hint: Any) -> Any:
    return next(part for part in typing.get_args(hint) if part is not types.NoneType)


def _encode_number(value: float, significant: int | None) -> float | str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return float(value) if significant is None else float(f"{value:.{significant}g}")


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _refused(where: str, expected: str, found: Any) -> InvalidReportError:
    return InvalidReportError("wrong value", field=where, expected=expected, found=_shown(found))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
