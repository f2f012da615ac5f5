"""A guard on what the network sees: samples that are like none it was made for are refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from bridge.errors import DeadlineExceeded, GuardRefusedError, ModelFailedError
from bridge.runtime.guards.guard import Array, Call, Kind
from bridge.runtime.guards.reference_bank import ReferenceBank

Features = Callable[[Call], Array]
"""A request -> what the network computes of its inputs before the last layer, ``[N, ...]``, in the time that is left.

Asked of the model where it runs: of its worker, where it is isolated.
"""


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

    def apply(self, value: Array, call: Call | None = None) -> Array:
        """The value as it is. Raises ``GuardRefusedError`` with the sample that is furthest."""
        found = self._features(value, call)
        size = math.prod(found.shape[1:])
        known = self.bank.features.shape[1]
        if size != known:
            raise GuardRefusedError(
                self.name, self.input, expected=f"samples of {known} features, as in the bank", found=f"samples of {size}"
            )
        distances = self.bank.distances(found)
        if len(distances) and not distances.max() <= self.bank.threshold:
            sample = int(distances.argmax())
            raise GuardRefusedError(
                self.name,
                self.input,
                expected=f"features within {self.bank.threshold:.4g} of {self.bank.neighbours} clean samples",
                found=f"{distances[sample]:.4g} in sample {sample}",
            )
        return value

    def _features(self, value: Array, call: Call | None) -> Array:
        asked = Call({self.input: value}) if call is None else call
        try:
            found = self.features(asked)
        except DeadlineExceeded as error:
            raise DeadlineExceeded(asked.seconds, "the guards") from error
        # They may come from a worker, of which nothing is believed.
        if found.dtype.kind != "f" or found.ndim < 1 or len(found) != len(value):
            raise ModelFailedError(f"the features of {len(value)} samples are {found.dtype} {list(found.shape)}")
        return found
