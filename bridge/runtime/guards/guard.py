"""What guards and sanitisers have in common."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


class Kind(enum.Enum):
    """What a guard does with an input: refuse it, or change it. Neither is a defence against who knows of it."""

    GUARD = "guard"
    SANITISER = "sanitiser"


@dataclass(frozen=True, slots=True)
class Change:
    """What a sanitiser did to one input: ``elements`` of ``of`` changed, none by more than ``max_abs``."""

    guard: str
    input: str
    elements: int
    of: int
    max_abs: float


class Guard(Protocol):
    """Looks at one input of a request. ``input`` is the input's name; arrays are ``[N, ...]``, the batch first."""

    @property
    def name(self) -> str:
        """What refusals and records call it."""
        ...

    @property
    def kind(self) -> Kind:
        """Whether it refuses or changes."""
        ...

    @property
    def input(self) -> str:
        """The input it looks at."""
        ...

    def apply(self, value: Array) -> Array:
        """The value to go on with: the very same object where nothing is changed.

        Raises ``GuardRefusedError`` for a value that does not pass. The caller's array is never written to.
        """
        ...


def change(guard: Guard, before: Array, after: Array) -> Change | None:
    """What a sanitiser did; ``None`` where nothing."""
    if after is before:
        return None
    difference = np.abs(after.astype(np.float64) - before.astype(np.float64))
    changed = int(np.count_nonzero(difference))
    if changed == 0:
        return None
    return Change(guard.name, guard.input, changed, int(before.size), float(difference.max()))
