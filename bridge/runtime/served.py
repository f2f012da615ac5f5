"""What every served model offers, in whatever process it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from bridge.package.interface import Interface

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
ModelInterface: TypeAlias = Interface


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model answers, and who vouches for it.

    ``root_digest`` is the digest of the package as it was signed, 64 hexadecimal digits; ``signer`` is empty for an unsigned
    package; ``sandbox`` is the level of isolation reached, "none" in process. ``guards`` are the names of the input guards that
    stand before the model, ``guards_sha256`` the digest of the file that configures them.
    """

    name: str
    version: str
    root_digest: str
    signer: str
    sandbox: str = "none"
    guards: tuple[str, ...] = ()
    guards_sha256: str = ""


class ServedModel(Protocol):
    """A model that was verified and admitted, and can be asked. Every error is a ``BridgeError``."""

    @property
    def interface(self) -> ModelInterface:
        """The signed interface: inputs, outputs, bounds of symbolic dimensions, limits of a call."""
        ...

    @property
    def identity(self) -> ModelIdentity:
        """Name, version, digest, signer, level of the sandbox."""
        ...

    def run(
        self, inputs: Mapping[str, Array], *, timeout: float | None = None, outputs: Sequence[str] | None = None
    ) -> dict[str, Array]:
        """The outputs, all or those named, for ``inputs`` within ``timeout`` seconds (``None``: the interface's limit).

        Raises ``InvalidInputError`` (name, expected, found), ``DeadlineExceeded``, ``ModelFailedError``, ``OverloadedError``, and
        ``UnknownOutputError`` for an output that the model does not have.
        """
        ...

    def close(self) -> None:
        """Give the engine's memory back. A closed model refuses to run; closing twice is nothing."""
        ...
