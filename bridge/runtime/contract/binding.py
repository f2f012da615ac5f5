"""The extents of the symbols in one call, and a small memory of calls that were found sound by their shapes alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Generic, TypeVar

_MOST_REMEMBERED: Final = 256

T = TypeVar("T")


class Binding:
    """The extent of every symbol that the inputs of a call have, and the bytes of all inputs. One object per set of shapes."""

    __slots__ = ("extents", "octets")

    def __init__(self, extents: Mapping[str, int], octets: int) -> None:
        self.extents = extents
        self.octets = octets


class Remembered(Generic[T]):
    """What was computed for the shapes of earlier calls; forgotten as a whole when there are too many."""

    __slots__ = ("_known", "get")

    def __init__(self) -> None:
        self._known: dict[object, T] = {}
        self.get: Final = self._known.get

    def keep(self, key: object, value: T) -> None:
        """Remember ``value`` for ``key``."""
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[key] = value
