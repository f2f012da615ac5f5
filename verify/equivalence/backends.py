"""What a comparison needs of a runtime: the converted model's interface, and a way to run it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bridge.errors import BridgeError

Array = npt.NDArray[np.generic]


class BackendError(BridgeError):
    """A runtime would not load a converted model, or would not run it on a golden case's inputs."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a converted model. ``shape`` holds a name or ``None`` for each symbolic dimension."""

    name: str
    dtype: np.dtype[np.generic]
    shape: tuple[int | str | None, ...]
    optional: bool = False


class Backend(Protocol):
    """A converted model in a runtime."""

    @property
    def name(self) -> str:
        """The runtime, as reports call it."""
        ...

    @property
    def inputs(self) -> Mapping[str, Port]:
        """Everything that can be fed, by name."""
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
