"""Typed access to the members of a parsed JSON object: a wrong type, a missing or an unknown member is refused by path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.errors import InvalidBundleError
from bridge.trust.strict_json import shown

_NAMES = {str: "a string", bool: "true or false", int: "a number", float: "a number", dict: "an object", list: "an array"}


class Members:
    """The members of the object at ``path``. Every method raises ``InvalidBundleError`` with the member's full path."""

    def __init__(self, value: Any, path: str = "") -> None:
        if not isinstance(value, dict):
            raise InvalidBundleError("of another type", field=path, expected="an object", found=type_name(value))
        self._members: Mapping[str, Any] = value
        self.path = path

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def at(self, name: str) -> str:
        """The path of a member, for an error about its value."""
        return f"{self.path}.{name}" if self.path else name

    def only(self, *names: str) -> None:
        """Refuse members of any other name."""
        for name in self._members:
            if name not in names:
                raise InvalidBundleError(f"a member {shown(name)} that the format does not have", field=self.path)

    def text(self, name: str, *, most: int = 1 << 16) -> str:
        """A string of at most ``most`` characters."""
        value: str = self._get(name, str)
        if len(value) > most:
            raise InvalidBundleError(
                "too long", field=self.at(name), expected=f"at most {most} characters", found=str(len(value))
            )
        return value

    def truth(self, name: str) -> bool:
        """True or false."""
        value: bool = self._get(name, bool)
        return value

    def number(self, name: str) -> int | float:
        """A number, with or without a decimal point."""
        if type(self._members.get(name)) is float:
            value: float = self._members[name]
            return value
        number: int = self._get(name, int)
        return number

    def object(self, name: str) -> Members:
        """A nested object."""
        return Members(self._get(name, dict), self.at(name))

    def mapping(self, name: str) -> dict[str, Any]:
        """A nested object as it is."""
        value: dict[str, Any] = self._get(name, dict)
        return value

    def objects(self, name: str) -> list[Members]:
        """An array of objects."""
        return [Members(item, f"{self.at(name)}[{index}]") for index, item in enumerate(self.array(name))]

    def array(self, name: str) -> list[Any]:
        """An array as it is."""
        value: list[Any] = self._get(name, list)
        return value

    def _get(self, name: str, kind: type) -> Any:
        if name not in self._members:
            raise InvalidBundleError("missing", field=self.at(name), expected=_NAMES[kind])
        value = self._members[name]
        # An exact comparison: for Python True is an integer, for JSON it is not.
        if type(value) is not kind:
            raise InvalidBundleError("of another type", field=self.at(name), expected=_NAMES[kind], found=type_name(value))
        return value


def type_name(value: Any) -> str:
    """What a parsed JSON value is, for people."""
    if value is None:
        return "null"
    return _NAMES[type(value)]
