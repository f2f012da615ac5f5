"""The extents of the symbols in one call, and a small memory of calls that were found sound by their shapes alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

import numpy as np

_MOST_REMEMBERED: Final = 256

T = TypeVar("T")

Described = tuple[str, np.dtype[Any], tuple[int, ...]]
"""A tensor by its name, type and shape."""


class Binding:
    """The extent of every symbol that the inputs of a call have, and the bytes of all inputs. One object per set of shapes.

    ``answer`` describes all outputs as they were when an answer to such inputs was last found sound; ``None`` before that.
    """

    __slots__ = ("answer", "extents", "octets")

    def __init__(self, extents: Mapping[str, int], octets: int) -> None:
        self.extents = extents
        self.octets = octets
        self.answer: tuple[Described, ...] | None = None


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

    def forget(self) -> None:
        """Let go of everything."""
        self._known.clear()
