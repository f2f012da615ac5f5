"""What a comparison needs of a runtime: the converted model's interface, and a way to run it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bridge.errors import BridgeError
from verify.report.document import Backend as BackendIdentity

Array = npt.NDArray[np.generic]

__all__ = ["Array", "Backend", "BackendError", "BackendIdentity", "Optimisation", "Port", "RuntimeOptions"]


class BackendError(BridgeError):
    """A runtime is not there, would not load a converted model, or would not run it on a golden case's inputs."""


class Optimisation(enum.StrEnum):
    """How far onnxruntime rewrites a graph before it runs it."""

    OFF = "off"
    BASIC = "basic"
    EXTENDED = "extended"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class RuntimeOptions:
    """How a runtime is started. ``threads`` are those within one operator, ``None`` for the runtime's own choice.

    ``optimisation`` concerns onnxruntime alone.
    """

    threads: int | None = None
    optimisation: Optimisation = Optimisation.ALL


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a converted model. ``shape`` holds a name or ``None`` for each symbolic dimension."""

    name: str
    dtype: np.dtype[np.generic]
    shape: tuple[int | str | None, ...]
    optional: bool = False


class Backend(Protocol):
    """A converted model in a runtime. What is to be known of it is known once it is loaded."""

    @property
    def identity(self) -> BackendIdentity:
        """The runtime as reports call it: name, version, device, and the options that it was started with."""
        ...

    @property
    def inputs(self) -> Mapping[str, Port]:
        """Everything that can be fed, by name; required inputs first, then those that have an initializer."""
        ...

    @property
    def outputs(self) -> Mapping[str, Port]:
        """Everything that is computed, by name."""
        ...

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the converter wrote into the model about its source."""
        ...

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """All outputs by name; ``BackendError`` where the runtime objects."""
        ...
