"""The interface's own type, shape and range as a guard: to state a range where the interface has none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge.errors import GuardRefusedError
from bridge.package.interface import Tensor
from bridge.runtime.guards.guard import Array, Call, Kind


@dataclass(frozen=True, slots=True)
class InterfaceGuard:
    """Refuses what departs from ``tensor``: element type, rank, fixed extents, values that are not finite or out of range.

    The loader holds every request against the signed interface before any guard sees it, symbols and lengths included. What this
    adds is a range that the one who serves states, where the interface has none: most models that were converted have none,
    since CNTK does not record any. It has no false alarms on what the model was made for, and stops wrong units and scales.
    """

    tensor: Tensor
    name: str = "range"
    kind: Kind = Kind.GUARD

    @property
    def input(self) -> str:
        """The input it looks at."""
        return self.tensor.name

    def apply(self, value: Array, call: Call | None = None) -> Array:
        """The value as it is. Raises ``GuardRefusedError``."""
        del call
        tensor = self.tensor
        if value.dtype.name != tensor.dtype:
            raise GuardRefusedError(self.name, tensor.name, expected=f"elements of {tensor.dtype}", found=value.dtype.name)
        fits = value.ndim == len(tensor.shape) and all(
            isinstance(wanted, str) or wanted == extent for wanted, extent in zip(tensor.shape, value.shape, strict=True)
        )
        if not fits:
            raise GuardRefusedError(self.name, tensor.name, expected=f"shape {list(tensor.shape)}", found=str(list(value.shape)))
        if value.size:
            self._refuse_values(value)
        return value

    def _refuse_values(self, value: Array) -> None:
        # Least and greatest carry a NaN along, so that two passes over the data answer all three questions.
        least, greatest = float(value.min()), float(value.max())
        tensor = self.tensor
        if not (np.isfinite(least) and np.isfinite(greatest)):
            raise GuardRefusedError(self.name, tensor.name, expected="finite values", found=f"{least:g} to {greatest:g}")
        low = tensor.minimum if tensor.minimum is not None else -np.inf
        high = tensor.maximum if tensor.maximum is not None else np.inf
        if least < low or greatest > high:
            raise GuardRefusedError(
                self.name, tensor.name, expected=f"values from {low:g} to {high:g}", found=f"{least:g} to {greatest:g}"
            )
