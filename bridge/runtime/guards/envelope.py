"""A guard on statistics per channel: mean and standard deviation within what clean samples have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.errors import GuardRefusedError
from bridge.runtime.guards.guard import Array, Call, Kind

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChannelEnvelope:
    """Refuses a batch with a sample whose channel has a mean or standard deviation out of bounds.

    ``means`` and ``deviations`` are ``[C, 2]``: the least and the greatest per channel, channels being axis 1 of the input; an
    input ``[N, F]`` is one channel. Catches what was scaled, inverted, shifted or left blank. A perturbation that is small
    everywhere changes neither statistic by much, and passes.
    """

    input: str
    means: Doubles
    deviations: Doubles
    name: str = "envelope"
    kind: Kind = Kind.GUARD

    def apply(self, value: Array, call: Call | None = None) -> Array:
        """The value as it is. Raises ``GuardRefusedError`` with the first sample and channel out of bounds."""
        del call
        means, deviations = channel_statistics(value)
        channels = means.shape[1]
        if channels != self.means.shape[0]:
            raise GuardRefusedError(self.name, self.input, expected=f"{self.means.shape[0]} channels", found=str(channels))
        for what, found, bounds in (("mean", means, self.means), ("standard deviation", deviations, self.deviations)):
            # What is not a number is in no bounds: the comparison asks for what is inside.
            outside = ~((found >= bounds[:, 0]) & (found <= bounds[:, 1]))
            if outside.any():
                sample, channel = (int(index) for index in np.argwhere(outside)[0])
                low, high = bounds[channel]
                raise GuardRefusedError(
                    self.name,
                    self.input,
                    expected=f"a {what} of channel {channel} from {low:.6g} to {high:.6g}",
                    found=f"{found[sample, channel]:.6g} in sample {sample}",
                )
        return value


def channel_statistics(value: Array) -> tuple[Doubles, Doubles]:
    """Mean and standard deviation, each ``[N, C]``; a batch of vectors ``[N, F]`` has one channel."""
    samples = value.shape[0] if value.ndim else 0
    channels = value.shape[1] if value.ndim > 2 else 1
    rows = value.reshape(samples, channels, -1) if value.size else np.zeros((samples, channels, 1))
    return rows.mean(axis=2, dtype=np.float64), rows.std(axis=2, dtype=np.float64)
