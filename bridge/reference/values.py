"""What goes into the reference engine and what comes out of it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]

Batch = Array | list[Array]
"""``[N, *shape]`` (``[*shape]`` without dynamic axes), or one ``[T, *shape]`` per sequence: as golden cases hold values."""


class Everything(enum.Enum):
    """The type of ``EVERYTHING``."""

    EVERYTHING = "everything"


EVERYTHING: Final = Everything.EVERYTHING
"""Asks for the value of every variable that the model computes, those inside blocks included."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A variable to compute: its uid, and the name to look for where CNTK's loader gives out uids anew (some v1 files)."""

    uid: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ReferenceVariable:
    """A variable as CNTK sees it after loading. ``shape`` is the static part, row-major; -3 is a free dimension."""

    uid: str
    name: str
    operator: str  # of the function that computes it; empty for an input
    shape: tuple[int, ...]
    dtype: str
    dynamic_axes: tuple[str, ...]
    sparse: bool


@dataclass(frozen=True, slots=True)
class ReferenceValue:
    """A variable and the value that CNTK computed for it."""

    variable: ReferenceVariable
    value: Batch


@dataclass(frozen=True, slots=True)
class Confinement:
    """What the engine's process could reach, as it found out by trying."""

    network: str  # "none", or "reachable"
    files: str  # what keeps it from writing: "bubblewrap", "landlock", or "open" where nothing does
    writable_elsewhere: bool  # it could create a file outside of its own folder


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The answer to one question.

    ``values`` is keyed by what was asked for (by uid, where everything or nothing in particular was); ``unavailable`` says of the
    rest why there is no value. ``arguments`` are the inputs that were used, in CNTK's order.
    """

    values: Mapping[str, ReferenceValue]
    unavailable: Mapping[str, str]
    arguments: tuple[ReferenceVariable, ...]
    operators: tuple[str, ...]
    model_sha256: str
    confinement: Confinement
    versions: Mapping[str, str]
    seconds: float
    differing: tuple[str, ...] | None = None  # values that differed in the second evaluation; None: there was none
    inner_values_exact: bool | None = None  # the copy in which inner values were computed gives the model's outputs bit by bit


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """Bounds on one evaluation."""

    seconds: float = 300.0  # of wall clock; of processor time twice as many
    memory_bytes: int = 16 << 30  # of address space
    output_bytes: int = 4 << 30  # of everything that is written, values and CNTK's own chatter
    document_bytes: int = 64 << 20  # of the JSON document of a result
