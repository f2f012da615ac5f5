"""JSON from strangers, read so that every reader sees the same thing.

Python's own parser lets the last of two equal keys win, reads ``NaN``, and builds numbers of any length. Two programs that
disagree about such a text disagree about what was signed, so here it is refused:

- bytes that are not UTF-8, a byte order mark, a lone surrogate in an escape;
- the same key twice in one object;
- ``NaN``, ``Infinity``, and numbers that are written too long or lie beyond 64 bits;
- text, nesting, values or strings beyond :class:`JsonLimits`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.errors import InvalidBundleError


@dataclass(frozen=True, slots=True)
class JsonLimits:
    """Bounds on a JSON text, so that reading it takes memory and time in proportion to them."""

    bytes: int = 64 << 20
    depth: int = 32  # the statements that are in use reach 8
    values: int = 2_000_000  # counted from above: every comma, colon and bracket may begin one
    string_characters: int = 64 << 20  # a bundle holds its whole statement in one string
    number_characters: int = 32


DEFAULT_JSON_LIMITS = JsonLimits()


def parse(data: bytes, *, what: str, limits: JsonLimits = DEFAULT_JSON_LIMITS) -> Any:
    """The value that ``data`` states: dict, list, str, int, float, bool or ``None``.

    ``what`` names the text in errors, as in "the bundle". Raises ``InvalidBundleError`` with the path of the member at fault.
    """
    if len(data) > limits.bytes:
        raise InvalidBundleError(f"{what} is too long", expected=f"at most {limits.bytes} bytes", found=str(len(data)))
    if sum(map(data.count, (b",", b":", b"[", b"{"))) > limits.values:
        raise InvalidBundleError(f"{what} holds too many values", expected=f"at most {limits.values}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidBundleError(f"{what} is not UTF-8 at byte {error.start}") from error
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer_reader(limits.number_characters),
            parse_float=_float_reader(limits.number_characters),
            parse_constant=lambda name: _Refused(f"{name} is no JSON number"),
        )
    except json.JSONDecodeError as error:
        raise InvalidBundleError(f"{what} is not JSON: {error.msg} at character {error.pos}") from error
    except RecursionError as error:
        raise InvalidBundleError(f"{what} is nested too deeply", expected=f"at most {limits.depth} levels") from error
    _check(value, what, limits)
    return value


@dataclass(frozen=True, slots=True)
class _Refused:
    """Stands in the parsed value where something has to be refused, until the walk that knows its path finds it."""

    reason: str


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Refused:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return _Refused(f"the key {shown(key)} stands twice in one object")
        seen.add(key)
    raise AssertionError("fewer members than pairs, and yet no key twice")


def _integer_reader(most: int) -> Callable[[str], int | _Refused]:
    # Called for every number of a text, so that it does as little as it can.
    def read(digits: str) -> int | _Refused:
        if len(digits) > most:
            return _Refused(f"a number of {len(digits)} characters")
        number = int(digits)
        return number if -(1 << 63) <= number < 1 << 63 else _Refused("an integer beyond 64 bits")

    return read


def _float_reader(most: int) -> Callable[[str], float | _Refused]:
    def read(digits: str) -> float | _Refused:
        if len(digits) > most:
            return _Refused(f"a number of {len(digits)} characters")
        number = float(digits)
        return number if math.isfinite(number) else _Refused("a number beyond double precision")

    return read


def _check(value: Any, what: str, limits: JsonLimits) -> None:
    """Walk the value without recursion and refuse what the parser could only mark."""
    _check_leaf(value, what, None, None, limits)
    pending: list[tuple[dict[str, Any] | list[Any], _Path | None]] = [(value, None)] if isinstance(value, dict | list) else []
    while pending:
        holder, path = pending.pop()
        depth = path.depth + 1 if path else 1
        if depth > limits.depth:
            most = f"at most {limits.depth} levels"
            raise InvalidBundleError(f"{what} is nested too deeply", field=_written(path), expected=most)
        for step, child in holder.items() if isinstance(holder, dict) else enumerate(holder):
            if isinstance(step, str):
                _check_string(step, what, path, None, limits)
            kind = type(child)
            if kind is dict or kind is list:
                pending.append((child, _Path(path, step, depth)))
            elif kind is str or kind is _Refused:
                _check_leaf(child, what, path, step, limits)


def _check_leaf(value: Any, what: str, path: _Path | None, step: str | int | None, limits: JsonLimits) -> None:
    if isinstance(value, str):
        _check_string(value, what, path, step, limits)
    elif isinstance(value, _Refused):
        raise InvalidBundleError(f"{what} holds what is not accepted: {value.reason}", field=_written(path, step))


@dataclass(frozen=True, slots=True)
class _Path:
    """One step from the root to a value; the text is only made when an error needs it."""

    parent: _Path | None
    step: str | int
    depth: int


def _written(path: _Path | None, last: str | int | None = None) -> str:
    steps: list[str | int] = [] if last is None else [last]
    while path is not None:
        steps.append(path.step)
        path = path.parent
    text = ""
    for step in reversed(steps):
        text += f"[{step}]" if isinstance(step, int) else f".{step if step.isidentifier() else shown(step)}"
    return text.removeprefix(".")


def _check_string(text: str, what: str, path: _Path | None, step: str | int | None, limits: JsonLimits) -> None:
    if len(text) > limits.string_characters:
        raise InvalidBundleError(
            f"{what} holds a string that is too long",
            field=_written(path, step),
            expected=f"at most {limits.string_characters} characters",
            found=str(len(text)),
        )
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InvalidBundleError(f"{what} holds half of a surrogate pair", field=_written(path, step)) from error


def shown(text: str) -> str:
    """A stranger's text for an error's sentence: quoted, escaped and cut."""
    return ascii(text if len(text) <= 120 else text[:120] + "…")
