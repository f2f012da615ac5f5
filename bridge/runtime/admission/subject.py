"""What the checks look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.package.interface import Interface
from bridge.runtime.admission.extents.estimate import Estimate, estimate
from bridge.runtime.admission.model import OnnxModel
from bridge.runtime.limits import ModelLimits


@dataclass(slots=True)
class Subject:
    """A model with the files beside it by name, and what it is held against. ``interface`` is the signed one, if there is any."""

    model: OnnxModel
    external: Mapping[str, memoryview]
    limits: ModelLimits
    interface: Interface | None = None
    _estimate: Estimate | None = field(default=None, init=False)

    def estimate(self) -> Estimate:
        """What the nodes make of the smallest inputs, computed once."""
        if self._estimate is None:
            self._estimate = estimate(self.model, self.interface)
        return self._estimate
