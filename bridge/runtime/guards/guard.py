"""What guards and sanitisers have in common."""

from __future__ import annotations

import enum
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np

from bridge.errors import DeadlineExceeded

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


@dataclass(frozen=True, slots=True)
class Call:
    """The request that a guard's input belongs to: all inputs as guards before it left them, and the caller's ``seconds``.

    ``hard`` is whether the caller has to be released then, whatever goes on. ``begun`` is when the guards began, of
    ``time.monotonic``.
    """

    inputs: Mapping[str, Array]
    seconds: float = math.inf
    hard: bool = False
    begun: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """The seconds that are left. Raises ``DeadlineExceeded`` where none are."""
        left = self.seconds - (time.monotonic() - self.begun)
        if left <= 0:
            raise DeadlineExceeded(self.seconds, "the guards")
        return left


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

    def apply(self, value: Array, call: Call | None = None) -> Array:
        """The value to go on with: the very same object where nothing is changed, else one of the same type and shape.

        Raises ``GuardRefusedError`` for a value that does not pass, and ``DeadlineExceeded``. The caller's array is never
        written to. Without ``call`` the value is the whole request, and there is no deadline.
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
