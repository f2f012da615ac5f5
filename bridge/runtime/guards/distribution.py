"""A guard on what the network sees: samples that are like none it was made for are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.errors import GuardRefusedError
from bridge.runtime.guards.guard import Array, Kind
from bridge.runtime.guards.reference_bank import ReferenceBank

Features = Callable[[Array], Array]
"""An input ``[N, ...]`` -> what the network computes of it before its last layer, ``[N, ...]``."""


@dataclass(frozen=True, slots=True)
class DistributionGuard:
    """Refuses a batch with a sample whose features are further from the reference bank's than clean samples' are.

    By the k-th nearest neighbour among features of length 1. Catches noise and other kinds of data well, adversarial inputs
    poorly, and those of an adversary who knows of the guard not at all: it is a guard on the distribution.
    """

    input: str
    features: Features
    bank: ReferenceBank
    name: str = "distribution"
    kind: Kind = Kind.GUARD

    def apply(self, value: Array) -> Array:
        """The value as it is. Raises ``GuardRefusedError`` with the sample that is furthest."""
        distances = self.bank.distances(self.features(value))
        if len(distances) and not distances.max() <= self.bank.threshold:
            sample = int(distances.argmax())
            raise GuardRefusedError(
                self.name,
                self.input,
                expected=f"features within {self.bank.threshold:.4g} of {self.bank.neighbours} clean samples",
                found=f"{distances[sample]:.4g} in sample {sample}",
            )
        return value
