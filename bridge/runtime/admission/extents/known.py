"""What is known of a value: nothing, its shape, or its shape and content."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

MOST_CONTENT: Final = 256
"""Elements of a value whose content is followed: shapes and the like, never weights."""

Extents = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """``shape`` is ``None`` where not even the rank is known, and so is each extent; ``width`` is in bytes per element."""

    shape: Extents | None = None
    width: int = 4
    content: np.ndarray[Any, np.dtype[Any]] | None = None

    @property
    def least_bytes(self) -> int:
        """What the value takes at least: extents that are not known count as 1."""
        return 0 if self.shape is None else math.prod(1 if extent is None else extent for extent in self.shape) * self.width

    @property
    def is_sized(self) -> bool:
        """Whether every extent is known."""
        return self.shape is not None and None not in self.shape

    def axis(self, axis: int) -> int | None:
        """The extent of an axis, which may count from the end."""
        if self.shape is None or not -len(self.shape) <= axis < len(self.shape):
            return None
        return self.shape[axis]


UNKNOWN: Final = Known()


def of_content(content: np.ndarray[Any, np.dtype[Any]]) -> Known:
    """A value that is known as a whole; without its content where that is long."""
    return Known(content.shape, content.dtype.itemsize, content if content.size <= MOST_CONTENT else None)


def integers(value: Known | None) -> tuple[int, ...] | None:
    """The content of a list of integers, or of a single one."""
    if value is None or value.content is None or value.content.dtype.kind not in "iu" or value.content.ndim > 1:
        return None
    return tuple(int(each) for each in value.content.reshape(-1))


def broadcast(shapes: list[Extents | None]) -> Extents | None:
    """The shape of an element-wise result. Where an extent, or a whole shape, is unknown, the other is what it is at least."""
    if all(shape is None for shape in shapes):
        return None
    known = [shape for shape in shapes if shape is not None]
    rank = max((len(shape) for shape in known), default=0)
    return tuple(joined([shape[axis - rank] for shape in known if len(shape) + axis >= rank]) for axis in range(rank))


def joined(extents: list[int | None]) -> int | None:
    """The extent that broadcasting makes of several."""
    stated = [extent for extent in extents if extent is not None]
    if 0 in stated:
        return 0
    greatest = max(stated, default=1)
    return greatest if greatest > 1 or len(stated) == len(extents) else None
