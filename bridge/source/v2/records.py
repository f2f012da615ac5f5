"""Typed access to decoded dictionaries: a value is used only once its key and type have been checked."""

from __future__ import annotations

from typing import TypeVar

from bridge.errors import InvalidModelError, LimitExceededError, UnsupportedVersionError
from bridge.limits import Limits
from bridge.source.v2.dictionary import Dictionary

T = TypeVar("T")

_TYPE_NAMES = {
    "str": "a string",
    "int": "an integer",
    "bool": "a truth value",
    "float": "a floating-point number",
    "tuple": "a vector",
    "NDShape": "a shape",
    "Dictionary": "a dictionary",
    "Tensor": "an array",
    "NoneType": "nothing",
}


def required(record: Dictionary, key: str, kind: type[T]) -> T:
    """The value of ``key``, which must be there and of exactly the type ``kind`` (a truth value is no integer)."""
    value = record.get(key)
    if type(value) is kind:
        return value
    raise InvalidModelError(
        "a value is missing" if key not in record else "a value is of the wrong type",
        offset=record.offset,
        field=_path(record, key),
        expected=_describe(kind),
        found=_describe(type(value)),
    )


def optional(record: Dictionary, key: str, kind: type[T], default: T) -> T:
    """The value of ``key``, of exactly the type ``kind``, or ``default`` where there is no such key."""
    return required(record, key, kind) if key in record else default


def elements(record: Dictionary, key: str, kind: type[T]) -> tuple[T, ...]:
    """The vector ``key``, all of whose elements must be of exactly the type ``kind``."""
    values = required(record, key, tuple)
    for index, value in enumerate(values):
        if type(value) is not kind:
            raise InvalidModelError(
                "an element of a vector is of the wrong type",
                offset=record.offset,
                field=f"{_path(record, key)}[{index}]",
                expected=_describe(kind),
                found=_describe(type(value)),
            )
    return values


def read_uid(record: Dictionary, limits: Limits) -> str:
    """The ``uid``: not empty, and of at most ``limits.uid_bytes`` bytes."""
    uid = required(record, "uid", str)
    size = len(uid.encode())
    if size > limits.uid_bytes:
        raise LimitExceededError("uid length", limit=limits.uid_bytes, actual=size, offset=record.offset)
    if not uid:
        raise InvalidModelError("a uid is empty", offset=record.offset)
    return uid


def check_version(record: Dictionary, lowest: int, highest: int, thing: str) -> int:
    """The ``version`` of ``record``, which must be one that a release of CNTK writes."""
    version = required(record, "version", int)
    if not lowest <= version <= highest:
        raise UnsupportedVersionError(
            f"version {version} of {thing} is written by no release of CNTK",
            offset=record.offset,
            field=_path(record, "version"),
            expected=f"{lowest} to {highest}" if highest > lowest else str(lowest),
            found=str(version),
        )
    return version


def check_type(record: Dictionary, expected: str) -> None:
    """Check that ``record`` says it is a serialised ``expected``."""
    found = required(record, "type", str)
    if found != expected:
        raise InvalidModelError(
            "an unknown type of object",
            offset=record.offset,
            field=_path(record, "type"),
            expected=expected,
            found=repr(found[:80]),
        )


def _path(record: Dictionary, key: str) -> str:
    uid = record.get("uid")
    return f"{uid[:80]}.{key}" if isinstance(uid, str) and uid and key != "uid" else key


def _describe(kind: type[object]) -> str:
    return _TYPE_NAMES.get(kind.__name__, kind.__name__)
